import { act, render, screen, waitFor } from '@testing-library/react';
import { beforeEach, expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { App } from '../App.js';
import { SessionStore } from '../session/SessionStore.js';
import { LanguageContext, loadLanguage } from '../words/language.js';
import { FakeServer } from './fake-server.js';

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
const item = (name: string) => screen.findByRole('button', { name });
const click = (element: Element) => act(() => userEvent.click(element));

test('the home page is the list of integrations, with the signed-in user’s name above it', async () => {
  await open();
  await heading('Integrations');
  await screen.findByText('Juniper Vale');
  expect(await menuButton('Demo creator')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Integrations' })).toHaveAttribute('aria-current', 'page');
  expect(document.title).toBe('Integrations · Evergrant');
});

test('nothing but a sentence for somebody without a session', async () => {
  server.userId = null;
  await open();
  await heading('This page opens from your app.');
  expect(screen.queryByRole('navigation')).toBeNull();
  expect(screen.queryByRole('button')).toBeNull();
  expect(document.title).toBe('Signed out · Evergrant');
});

test('becoming somebody else shows their accounts and nothing of the other’s', async () => {
  await open();
  await screen.findByText('Juniper Vale');
  await click(await menuButton('Demo creator'));
  expect(await item('Demo creator')).toHaveAttribute('aria-current', 'true');
  await click(await item('New user'));
  await menuButton('New user');
  await screen.findByRole('button', { name: 'Connect Reddit' });
  expect(screen.queryByText('Juniper Vale')).toBeNull();
  expect(server.calls('POST', '/console/session')).toEqual([
    { method: 'POST', path: '/console/session', body: { userId: 8 }, csrf: 'csrf-7' },
  ]);
});

test('an answer that was overtaken by becoming somebody else brings nobody back', async () => {
  const store = await open();
  const arrive = server.delay('GET', '/console/session');
  const loading = store.load();
  await act(() => store.become(8));
  arrive();
  await act(() => loading);
  expect(store.headers()).toEqual({ 'X-CSRF-Token': 'csrf-8' });
  expect(await menuButton('New user')).toBeVisible();
});

test('of two questions the later one counts, in whatever order they are answered', async () => {
  const store = await open();
  const arrive = server.delay('GET', '/console/session');
  const loading = store.load();
  server.userId = 8;
  await act(() => store.load());
  arrive();
  await act(() => loading);
  expect(await menuButton('New user')).toBeVisible();
});

test('whoever signs out is signed out, and is told so', async () => {
  await open();
  await click(await menuButton('Demo creator'));
  await click(await item('Sign out'));
  await heading('You are signed out. Open this page again from your app.');
  expect(server.calls('DELETE', '/console/session')[0]?.csrf).toBe('csrf-7');
  expect(screen.getByRole('button', { name: 'Sign in again' })).toBeVisible();
});

test('a sign-out that fails says so and can be tried again', async () => {
  server.refusals.set('DELETE /console/session', 503);
  await open();
  await click(await menuButton('Demo creator'));
  await click(await item('Sign out'));
  expect(await screen.findByRole('alert')).toHaveTextContent('That did not work. Try again.');
  server.refusals.clear();
  await click(await item('Sign out'));
  await heading('You are signed out. Open this page again from your app.');
});

test('outside of dev there is nobody else to be', async () => {
  server.dev = false;
  await open();
  await click(await menuButton('Demo creator'));
  expect(await item('Sign out')).toBeVisible();
  expect(screen.queryByText('Look at it as')).toBeNull();
  await click(await item('Sign out'));
  await heading('You are signed out. Open this page again from your app.');
  expect(screen.queryByRole('button')).toBeNull();
});

test('a session that ends is told as such, not as a fault', async () => {
  await open();
  // A click looks for its button anew, and the menu that comes later has the same name.
  await screen.findByRole('menu', { name: 'Actions for Juniper Vale', hidden: true });
  await click(await item('Actions for Juniper Vale'));
  server.userId = null;
  await click(await screen.findByRole('menuitem', { name: 'Renew now' }));
  await heading('You are signed out. Open this page again from your app.');
  expect(server.sent.find(({ path }) => path.includes('/refresh/'))?.csrf).toBe('csrf-7');
});

test('another tab’s user is this tab’s too: they share the cookie', async () => {
  await open();
  await screen.findByText('Juniper Vale');
  server.userId = 8;
  await act(() => new BroadcastChannel('evergrant-console').postMessage('changed'));
  await menuButton('New user');
  await waitFor(() => expect(screen.queryByText('Juniper Vale')).toBeNull());
});

test('a server that does not answer is asked again by hand', async () => {
  server.refusals.set('GET /console/session', 503);
  await open();
  await heading('Evergrant is not answering.');
  server.refusals.clear();
  await click(await item('Try again'));
  await heading('Integrations');
});

test('an outage leaves what is shown as it is', async () => {
  const store = await open();
  await screen.findByText('Juniper Vale');
  server.refusals.set('GET /console/session', 503);
  await act(() => store.load());
  expect(screen.getByText('Juniper Vale')).toBeVisible();
});

test('an address without a page leads back, and the focus goes along', async () => {
  await open('/nowhere');
  await heading('There is no page at this address.');
  expect(document.title).toBe('Page not found · Evergrant');
  await click(screen.getByRole('link', { name: 'Go to Integrations' }));
  await heading('Integrations');
  expect(screen.getByRole('main')).toHaveFocus();
});

test('the two addresses of the list are one page: what is under way there goes on', async () => {
  await open('/');
  await heading('Integrations');
  const page = document.querySelector('.eg-page');
  await click(screen.getByRole('link', { name: 'Integrations' }));
  await waitFor(() => expect(screen.getByRole('main')).toHaveFocus());
  expect(document.querySelector('.eg-page')).toBe(page);
});

test('whoever reads French reads French, the list’s words too', async () => {
  await open('/', ['fr-CA', 'en']);
  await heading('Comptes connectés');
  expect(screen.getByRole('link', { name: 'Comptes connectés' })).toBeVisible();
  expect(document.title).toBe('Comptes connectés · Evergrant');
});

test('somebody without a name is called by a number', async () => {
  server.userId = 9;
  await open();
  await menuButton('User 9');
});
