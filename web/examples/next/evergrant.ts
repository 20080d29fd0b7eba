import type { ServerOptions, User } from '@evergrant/react/server';

/** Connection to Evergrant. Import it in server code only: the API key must not reach a browser. */
export const evergrant: ServerOptions = {
  url: process.env.EVERGRANT_URL ?? 'http://localhost:8080',
  apiKey: process.env.EVERGRANT_KEY ?? '',
};

/**
 * Returns the signed-in user. Replace this with your app's session; `evergrant dev` creates this
 * user.
 */
export async function signedIn(): Promise<User> {
  return { externalId: 'demo-creator' };
}
