import { render, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { detectLocale } from '../i18n/detect-locale.js';
import { ErrorBoundary } from '../pages/ErrorBoundary.js';
import { isIntegrations } from '../pages/paths.js';

test('a rendering error shows an error page with a reload button', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue();
  function Thrower(): never {
    throw new Error('rendering failed');
  }
  render(
    <ErrorBoundary standalone>
      <Thrower />
    </ErrorBoundary>,
  );
  expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Something went wrong on this page.');
  expect(screen.getByRole('button', { name: 'Reload' })).toBeVisible();
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
])('browser languages %j select locale %s', (preferred, locale) =>
  expect(detectLocale(preferred)).toBe(locale),
);

test.each(['/', '/integrations', '/integrations/'])('%s shows the Integrations page', (path) =>
  expect(isIntegrations(path)).toBe(true),
);
test.each(['/integrations/reddit', '/other', '//'])('%s does not show the Integrations page', (path) =>
  expect(isIntegrations(path)).toBe(false),
);
