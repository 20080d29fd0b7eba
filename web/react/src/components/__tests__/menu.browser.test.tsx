import { screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { IntegrationsPage } from '../../index.js';
import { Menu } from '../Menu.js';
import { focused, press, show, vale } from './shown.js';

async function open() {
  const chosen = vi.fn();
  const items = ['Reconnect', 'Refresh now', 'Disconnect…'].map((label) => ({
    label,
    onSelect: () => chosen(label),
  }));
  show(
    <>
      <Menu label="Actions for Juniper" note="Refreshed 2 hours ago" items={items} />
      <button type="button">after</button>
    </>,
  );
  await screen.findByRole('menu', { hidden: true });
  const button = screen.getByRole('button', { name: 'Actions for Juniper' });
  const isOpen = () => button.getAttribute('aria-expanded') === 'true';
  return { chosen, button, isOpen };
}

const focusedText = () => focused()?.textContent;

test.each([
  ['Enter', 'Reconnect'],
  [' ', 'Reconnect'],
  ['ArrowDown', 'Reconnect'],
  ['ArrowUp', 'Disconnect…'],
])('%s on the button opens the menu at "%s"', async (key, item) => {
  const { button, isOpen } = await open();
  button.focus();
  await press(key);
  await waitFor(() => expect(focusedText()).toBe(item));
  expect(isOpen()).toBe(true);
});

test.each([
  ['ArrowDown', 'Refresh now'],
  ['ArrowUp', 'Disconnect…'],
  ['End', 'Disconnect…'],
  ['Home', 'Reconnect'],
  ['d', 'Disconnect…'],
  ['r', 'Refresh now'],
])('%s moves from the first item to "%s"', async (key, item) => {
  const { button } = await open();
  button.focus();
  await press('Enter');
  await waitFor(() => expect(focusedText()).toBe('Reconnect'));
  await press(key);
  expect(focusedText()).toBe(item);
});

test('arrow keys wrap around', async () => {
  const { button } = await open();
  button.focus();
  await press('ArrowUp');
  await waitFor(() => expect(focusedText()).toBe('Disconnect…'));
  await press('ArrowDown');
  expect(focusedText()).toBe('Reconnect');
});

test('Escape closes the menu and restores the focus', async () => {
  const { button, isOpen } = await open();
  button.focus();
  await press('Enter');
  await waitFor(() => expect(isOpen()).toBe(true));
  await press('Escape');
  await waitFor(() => expect(isOpen()).toBe(false));
  expect(focused()).toBe(button);
});

test('Tab closes the menu and moves on', async () => {
  const { button, isOpen } = await open();
  button.focus();
  await press('Enter');
  await waitFor(() => expect(focusedText()).toBe('Reconnect'));
  await press('Tab');
  await waitFor(() => expect(isOpen()).toBe(false));
  expect(focusedText()).toBe('after');
});

test('selecting an item runs it once and closes the menu', async () => {
  const { button, chosen, isOpen } = await open();
  button.focus();
  await press('Enter');
  await waitFor(() => expect(focusedText()).toBe('Reconnect'));
  await press('Enter');
  expect(chosen.mock.calls).toEqual([['Reconnect']]);
  await waitFor(() => expect(isOpen()).toBe(false));
});

test('a click opens the menu and a click outside closes it', async () => {
  const { button, isOpen } = await open();
  await userEvent.click(button);
  await waitFor(() => expect(isOpen()).toBe(true));
  await userEvent.click(document.body);
  await waitFor(() => expect(isOpen()).toBe(false));
});

test('a menu opened before its chunk has loaded opens once it has', async () => {
  show(<IntegrationsPage />, { integrations: [vale] });
  const button = screen.getByRole('button', { name: 'Actions for Juniper Vale' });
  expect(screen.queryByRole('menu', { hidden: true })).toBeNull();
  button.click();
  expect(await screen.findByRole('menuitem', { name: 'Disconnect…' })).toBeTruthy();
  expect(button.getAttribute('aria-expanded')).toBe('true');
  expect(screen.getByRole('menu').className).toBe('eg-menu');
  button.click();
  await waitFor(() => expect(screen.queryByRole('menu')).toBeNull());
});

/** Opens the menu at a position. `placed` simulates a browser without CSS anchor positioning. */
async function openAt(mode: string, left: string, top: string) {
  const { button } = await open();
  Object.assign(button.style, { position: 'fixed', left, top });
  const popover = document.querySelector<HTMLElement>('.eg-popover')!;
  if (mode === 'placed') {
    vi.spyOn(CSS, 'supports').mockReturnValue(false);
    popover.style.setProperty('position-area', 'none');
  }
  await userEvent.click(button);
  await waitFor(() => expect(focusedText()).toBe('Reconnect'));
  if (mode === 'placed') await waitFor(() => expect(popover.style.top).not.toBe(''));
  popover.getAnimations().forEach((one) => one.finish());
  vi.restoreAllMocks();
  return { button: button.getBoundingClientRect(), menu: popover.getBoundingClientRect() };
}

const MODES = ['anchored', 'placed'];

test.each(MODES)('the menu opens below its button, aligned at the end: %s', async (mode) => {
  const { button, menu } = await openAt(mode, '500px', '100px');
  expect(menu.top).toBeCloseTo(button.bottom + 4, 0);
  expect(menu.right).toBeCloseTo(button.right, 0);
});

test.each(MODES)('the menu opens above if there is no room below: %s', async (mode) => {
  const { button, menu } = await openAt(mode, '500px', 'calc(100vh - 40px)');
  expect(menu.bottom).toBeCloseTo(button.top - 4, 0);
});

test.each(
  MODES.flatMap((mode) => [
    [mode, '0px'],
    [mode, 'calc(100vw - 36px)'],
  ]),
)('the menu stays within the window: %s, from %s', async (mode, left) => {
  const { menu } = await openAt(mode!, left!, '100px');
  expect(menu.left).toBeGreaterThanOrEqual(0);
  expect(menu.right).toBeLessThanOrEqual(innerWidth);
});
