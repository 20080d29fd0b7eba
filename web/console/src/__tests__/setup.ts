import { cleanup, configure } from '@testing-library/react';
import { afterEach, vi } from 'vitest';
import '@evergrant/react/styles.css';
import '../styles/base.css';
import '../styles/shell.css';

// Generous, so that a busy machine does not fail tests.
configure({ asyncUtilTimeout: 10_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
