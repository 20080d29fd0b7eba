import { cleanup, configure } from '@testing-library/react';
import { afterEach, vi } from 'vitest';
import '@evergrant/react/styles.css';
import '../styles/base.css';
import '../styles/shell.css';

// A machine that is busy with something else is slow, not wrong.
configure({ asyncUtilTimeout: 10_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
