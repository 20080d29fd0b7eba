import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';
import '../../styles/index.css';

// Generous, so that a busy machine does not fail tests.
configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);
