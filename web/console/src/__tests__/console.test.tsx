import { act, render, screen, waitFor } from '@testing-library/react';
import { beforeEach, expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { App } from '../App.js';
import { LanguageContext, loadLanguage } from '../i18n/language.js';
import { SessionStore } from '../session/SessionStore.js';
import { FakeServer } from './fake-server.js';

const SIGNED_OUT = 'You are signed out. To sign in again, open this page from your app.';

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
});

async function open(path = '/', languages = ['en']) {
  const store = new SessionStore();
  const { hook } = memoryLocation({ path });
  const language = await loadLanguage(languages);
  render(
    <LanguageContext.Provider value={language}>
      <Router hook={hook}>
        <App store={store} />
      </Router>
    </LanguageContext.Provider>,
  );
  await act(() => store.load());
  return store;
}

const heading = (name: string) => screen.findByRole('heading', { level: 1, name });
const menuButton = (name: string) => screen.findByRole('button', { name: `${name}, account menu` });
const button = (name: string) => screen.findByRole('button', { name });
const click = (element: Element) => act(() => userEvent.click(element));

test('the home page lists integrations and shows the signed-in user’s name', async () => {
  await open();
  await heading('Integrations');
  await screen.findByText('Juniper Vale');
  expect(await menuButton('Demo creator')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Integrations' })).toHaveAttribute('aria-current', 'page');
  expect(document.title).toBe('Integrations · Evergrant');
});

test('without a session the console shows only a message', async () => {
  server.userId = null;
  await open();
  await heading('To view this page, open it from your app.');
  expect(screen.queryByRole('navigation')).toBeNull();
  expect(screen.queryByRole('button')).toBeNull();
  expect(document.title).toBe('Signed out · Evergrant');
});

test('switching users replaces the previous user’s accounts', async () => {
  await open();
  await screen.findByText('Juniper Vale');
  await click(await menuButton('Demo creator'));
  expect(screen.getByText('View as')).toBeVisible();
  expect(await button('Demo creator')).toHaveAttribute('aria-current', 'true');
  await click(await button('New user'));
  await menuButton('New user');
  await screen.findByRole('button', { name: 'Connect Reddit' });
  expect(screen.queryByText('Juniper Vale')).toBeNull();
  expect(server.calls('POST', '/console/session')).toEqual([
    { method: 'POST', path: '/console/session', body: { userId: 8 }, csrf: 'csrf-7' },
  ]);
});

test('a session response overtaken by a user switch is dropped', async () => {
  const store = await open();
  const release = server.delay('GET', '/console/session');
  const loading = store.load();
  await act(() => store.switchUser(8));
  release();
  await act(() => loading);
  expect(store.headers()).toEqual({ 'X-CSRF-Token': 'csrf-8' });
  expect(await menuButton('New user')).toBeVisible();
});

test('of two concurrent session requests the later one wins', async () => {
  const store = await open();
  const release = server.delay('GET', '/console/session');
  const loading = store.load();
  server.userId = 8;
  await act(() => store.load());
  release();
  await act(() => loading);
  expect(await menuButton('New user')).toBeVisible();
});

test('signing out ends the session and shows that it has ended', async () => {
  await open();
  await click(await menuButton('Demo creator'));
  await click(await button('Sign out'));
  await heading(SIGNED_OUT);
  expect(server.calls('DELETE', '/console/session')[0]?.csrf).toBe('csrf-7');
  expect(screen.getByRole('button', { name: 'Sign in again' })).toBeVisible();
});

test('the way back leads to the app, also after the session has ended', async () => {
  server.returnUrl = 'https://app.example/settings';
  await open();
  const link = () => screen.findByRole('link', { name: 'Back to app.example' });
  expect(await link()).toHaveAttribute('href', server.returnUrl);
  await click(await menuButton('Demo creator'));
  await click(await button('Sign out'));
  await heading(SIGNED_OUT);
  expect(await link()).toHaveAttribute('href', server.returnUrl);
});

test('without an address of the app there is no way back', async () => {
  await open();
  await menuButton('Demo creator');
  expect(screen.queryByRole('link', { name: /^Back/ })).toBeNull();
});

test('a failed sign-out shows an error and can be retried', async () => {
  server.errors.set('DELETE /console/session', 503);
  await open();
  await click(await menuButton('Demo creator'));
  await click(await button('Sign out'));
  expect(await screen.findByRole('alert')).toHaveTextContent('Something went wrong. Try again.');
  server.errors.clear();
  await click(await button('Sign out'));
  await heading(SIGNED_OUT);
});

test('users cannot be switched outside evergrant dev', async () => {
  server.dev = false;
  await open();
  await click(await menuButton('Demo creator'));
  expect(await button('Sign out')).toBeVisible();
  expect(screen.queryByText('View as')).toBeNull();
  await click(await button('Sign out'));
  await heading(SIGNED_OUT);
  expect(screen.queryByRole('button')).toBeNull();
});

test('a session that has ended shows as signed out, not as an error', async () => {
  await open();
  // userEvent resolves its target again by name: wait until the menu of that name has loaded.
  await screen.findByRole('menu', { name: 'Actions for Juniper Vale', hidden: true });
  await click(await button('Actions for Juniper Vale'));
  server.userId = null;
  await click(await screen.findByRole('menuitem', { name: 'Refresh now' }));
  await heading(SIGNED_OUT);
  expect(server.sent.find(({ path }) => path.includes('/refresh/'))?.csrf).toBe('csrf-7');
});

test('a user switch in another tab applies to this tab', async () => {
  await open();
  await screen.findByText('Juniper Vale');
  server.userId = 8;
  await act(() => new BroadcastChannel('evergrant-console').postMessage('changed'));
  await menuButton('New user');
  await waitFor(() => expect(screen.queryByText('Juniper Vale')).toBeNull());
});

test('an unreachable server can be retried', async () => {
  server.errors.set('GET /console/session', 503);
  await open();
  await heading('Evergrant is not responding.');
  server.errors.clear();
  await click(await button('Try again'));
  await heading('Integrations');
});

test('an outage keeps the list that is shown', async () => {
  const store = await open();
  await screen.findByText('Juniper Vale');
  server.errors.set('GET /console/session', 503);
  await act(() => store.load());
  expect(screen.getByText('Juniper Vale')).toBeVisible();
});

test('an unknown path links home, and navigation moves the focus', async () => {
  await open('/nowhere');
  await heading('This page does not exist.');
  expect(document.title).toBe('Page not found · Evergrant');
  await click(screen.getByRole('link', { name: 'Go to Integrations' }));
  await heading('Integrations');
  expect(screen.getByRole('main')).toHaveFocus();
});

test('navigating between the two paths of the list keeps its state', async () => {
  await open('/');
  await heading('Integrations');
  const page = document.querySelector('.eg-page');
  await click(screen.getByRole('link', { name: 'Integrations' }));
  await waitFor(() => expect(screen.getByRole('main')).toHaveFocus());
  expect(document.querySelector('.eg-page')).toBe(page);
});

test('a French browser gets French from the console and the library', async () => {
  await open('/', ['fr-CA', 'en']);
  await heading('Comptes connectés');
  expect(screen.getByRole('link', { name: 'Comptes connectés' })).toBeVisible();
  expect(document.title).toBe('Comptes connectés · Evergrant');
});

test('a user without a name is shown by id', async () => {
  server.userId = 9;
  await open();
  await menuButton('User 9');
});
