import type { ServerOptions, User } from '@evergrant/react/server';

/** Of the server alone: the API key never reaches a browser. */
export const evergrant: ServerOptions = {
  url: process.env.EVERGRANT_URL ?? 'http://localhost:8080',
  apiKey: process.env.EVERGRANT_KEY ?? '',
};

/** Your own session says who this is; `evergrant dev` has made this user. */
export async function signedIn(): Promise<User> {
  return { externalId: 'demo-creator' };
}
