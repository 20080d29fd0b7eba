import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';
import '../../styles/tokens.css';
import '../../styles/controls.css';
import '../../styles/page.css';
import '../../styles/overlays.css';

afterEach(cleanup);
