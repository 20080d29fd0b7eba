import { render, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { ErrorBoundary } from '../pages/ErrorBoundary.js';
import { isIntegrations } from '../pages/paths.js';
import { localeOf } from '../words/language-of.js';

test('a page that throws is replaced by a sentence and a way out', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue();
  function Thrower(): never {
    throw new Error('a fault');
  }
  render(
    <ErrorBoundary alone>
      <Thrower />
    </ErrorBoundary>,
  );
  expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Something went wrong on this page.');
  expect(screen.getByRole('button', { name: 'Load it again' })).toBeVisible();
  expect(document.title).toBe('Something went wrong · Evergrant');
  expect(error).toHaveBeenCalled();
  error.mockRestore();
});

test.each([
  [['fr-FR', 'en'], 'fr'],
  [['de', 'fr', 'en'], 'fr'],
  [['en-GB', 'fr'], 'en'],
  [['ja'], 'en'],
  [[], 'en'],
])('of the languages %j we speak %s', (wanted, locale) => expect(localeOf(wanted)).toBe(locale));

test.each(['/', '/integrations', '/integrations/'])('%s is the Integrations page', (path) =>
  expect(isIntegrations(path)).toBe(true),
);
test.each(['/integrations/reddit', '/other', '//'])('%s is not', (path) =>
  expect(isIntegrations(path)).toBe(false),
);
