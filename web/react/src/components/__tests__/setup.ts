import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';
import '../../styles/index.css';

afterEach(cleanup);
