import { createSession } from '@evergrant/react/server';
import react from '@vitejs/plugin-react';
import { type Connect, defineConfig, type Plugin } from 'vite';

const url = process.env.VITE_EVERGRANT_URL ?? 'http://localhost:8080';

/** The backend: returns a session token for the signed-in user. The API key never leaves it. */
const tokenRoute: Connect.NextHandleFunction = (_request, response, next) => {
  const apiKey = process.env.EVERGRANT_KEY ?? '';
  // Replace this with the user of your app's session; `evergrant dev` creates this one.
  createSession({ url, apiKey, externalId: 'demo-creator' }).then(
    ({ token }) => response.setHeader('cache-control', 'no-store').end(token),
    next,
  );
};

const backend: Plugin = {
  name: 'backend',
  configureServer: ({ middlewares }) => void middlewares.use('/evergrant-token', tokenRoute),
  configurePreviewServer: ({ middlewares }) => void middlewares.use('/evergrant-token', tokenRoute),
};

export default defineConfig({ plugins: [react(), backend] });
