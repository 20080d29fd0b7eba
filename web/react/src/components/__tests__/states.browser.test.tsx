/**
 * Every component in every state: no console output, no inline styles, no axe findings, no
 * untranslated text.
 */
import { act, render } from '@testing-library/react';
import axe from 'axe-core';
import { StrictMode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { STATES } from '../../../gallery/states.js';
import { EvergrantProvider } from '../../index.js';
import { pseudo } from '../../locales/pseudo.js';
import * as extras from '../extras/index.js';

const error = vi.spyOn(console, 'error');
const warn = vi.spyOn(console, 'warn');
beforeEach(() => {
  error.mockClear();
  warn.mockClear();
});
afterEach(() => document.documentElement.removeAttribute('style'));

async function show(name: string, messages?: typeof pseudo) {
  const { client, view } = STATES[name]!();
  const shown = render(
    <StrictMode>
      <EvergrantProvider client={client} {...(messages ? { messages } : {})}>
        <main>{view}</main>
      </EvergrantProvider>
    </StrictMode>,
  );
  // Lazy components, and what they render.
  await act(async () => {
    await import('../extras/index.js');
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
  return { client, ...shown };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

async function findings(): Promise<string[]> {
  const ending = document.getAnimations().filter((one) => one.effect?.getTiming().iterations === 1);
  ending.forEach((one) => one.finish());
  const { violations } = await axe.run(document.body, {
    runOnly: RULES,
    // A fragment has no document title, and need not have a first heading.
    rules: { 'page-has-heading-one': { enabled: false }, 'document-title': { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

test('the extras export eight components', () => expect(Object.keys(extras)).toHaveLength(8));

test.each(Object.keys(STATES))('%s has no axe findings and no console output', async (name) => {
  await show(name);
  for (const scheme of ['light', 'dark']) {
    document.documentElement.style.colorScheme = scheme;
    document.documentElement.style.background = 'var(--eg-canvas)';
    expect(await findings(), scheme).toEqual([]);
  }
  expect(document.body.querySelectorAll('[style]')).toHaveLength(0);
  expect(error.mock.calls).toEqual([]);
  expect(warn.mock.calls).toEqual([]);
});

/** Returns all text that is displayed or announced. */
function visibleTexts(): string[] {
  const texts: (string | null)[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) texts.push(node.textContent);
  for (const name of ['aria-label', 'aria-description', 'alt', 'label', 'placeholder', 'title']) {
    for (const element of document.querySelectorAll(`[${name}]`)) texts.push(element.getAttribute(name));
  }
  return texts.map((text) => text?.trim() ?? '');
}

/** Texts that come from the server or the app, and account names. */
const SERVED = [
  'OnlyFans rejected this session.',
  'Juniper Studio',
  'Juniper Shop',
  'Wren & Daughters',
  'acme',
];

/** What the server says after a translated sentence. */
const HELP = / In the Instagram app, .*$/;

test.each(Object.keys(STATES))('%s has no untranslated text', async (name) => {
  const { client } = await show(name, pseudo);
  const { providers, integrations } = client.getSnapshot();
  const data = JSON.stringify([providers, integrations, SERVED]);
  const isData = (text: string) => data.includes(JSON.stringify(text).slice(1, -1)) || text.startsWith('@');
  // A single letter is the fallback of an avatar.
  const untranslated = visibleTexts().filter(
    (text) => text.length > 1 && !isData(text) && !/^⟦.*⟧$/s.test(text.replace(HELP, '')),
  );
  expect(untranslated).toEqual([]);
});
