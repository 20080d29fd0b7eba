import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';
import '@evergrant/react/styles.css';
import '../styles/base.css';
import '../styles/shell.css';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
