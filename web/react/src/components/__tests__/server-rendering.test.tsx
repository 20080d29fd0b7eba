import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { STATES } from '../../../gallery/states.js';
import { EvergrantProvider, IntegrationsPage } from '../../index.js';
import { fr } from '../../locales/fr.js';
import { sampleIntegration, sampleProviders } from '../../testing/index.js';

test('these tests run without a window', () => expect(typeof window).toBe('undefined'));

test.each(Object.keys(STATES))('%s renders on a server, without inline styles or scripts', (name) => {
  const { client, view } = STATES[name]!();
  const html = renderToString(<EvergrantProvider client={client}>{view}</EvergrantProvider>);
  expect(html).not.toMatch(/\sstyle=|<script|<style|javascript:/i);
});

test('the documented classes and data attributes are present', () => {
  const html = Object.values(STATES)
    .map((make) => make())
    .map(({ client, view }) => renderToString(<EvergrantProvider client={client}>{view}</EvergrantProvider>))
    .join();
  for (const part of [
    'page',
    'card',
    'account',
    'button',
    'status',
    'banner',
    'icon',
    'avatar',
    'switcher',
  ]) {
    expect(html).toMatch(new RegExp(`class="[^"]*\\beg-${part}\\b`));
  }
  for (const name of ['status', 'provider', 'step', 'variant']) expect(html).toContain(`data-${name}="`);
});

test('a page with initialStatus renders its accounts without a request', () => {
  const initialStatus = {
    version: 1,
    providers: sampleProviders,
    integrations: [sampleIntegration({ displayName: 'Juniper Vale' })],
  };
  const fetch = () => Promise.reject(new Error('no request expected on a server'));
  const html = renderToString(
    <EvergrantProvider initialStatus={initialStatus} fetch={fetch} messages={fr}>
      <IntegrationsPage />
    </EvergrantProvider>,
  );
  expect(html).toContain('Juniper Vale');
  expect(html).toContain('Comptes connectés');
  expect(html).toContain('lang="fr"');
});
