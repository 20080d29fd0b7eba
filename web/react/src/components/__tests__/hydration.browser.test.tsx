import { act } from '@testing-library/react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { STATES } from '../../../gallery/states.js';
import { EvergrantProvider } from '../../index.js';

test.each(Object.keys(STATES))('%s hydrates without errors', async (name) => {
  const error = vi.spyOn(console, 'error');
  const recovered = vi.fn();
  const { client, view } = STATES[name]!();
  const app = <EvergrantProvider client={client}>{view}</EvergrantProvider>;
  const place = document.body.appendChild(document.createElement('div'));
  // Parsed by the browser, as a page is.
  place.append(document.createRange().createContextualFragment(renderToString(app)));
  const before = place.firstElementChild;
  const root = await act(async () => hydrateRoot(place, app, { onRecoverableError: recovered }));
  expect(recovered).not.toHaveBeenCalled();
  expect(error.mock.calls).toEqual([]);
  // Some states render nothing on the server.
  if (before) expect(place.firstElementChild).toBe(before);
  act(() => root.unmount());
  place.remove();
  error.mockRestore();
});
