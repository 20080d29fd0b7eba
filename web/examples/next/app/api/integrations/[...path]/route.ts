import { createHandlers } from '@evergrant/react/server';
import { evergrant, signedIn } from '../../../../evergrant';

export const { GET, POST, DELETE } = createHandlers({ ...evergrant, user: signedIn });
