import { EvergrantProvider, IntegrationsPage } from '@evergrant/react';
import '@evergrant/react/styles.css';
import { createRoot } from 'react-dom/client';
import './app.css';

const EVERGRANT_URL = import.meta.env.VITE_EVERGRANT_URL ?? 'http://localhost:8080';

async function getToken(): Promise<string> {
  const response = await fetch('/evergrant-token');
  if (!response.ok) throw new Error(`Token route responded with ${response.status}`);
  return response.text();
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <EvergrantProvider baseUrl={EVERGRANT_URL} getToken={getToken}>
      <IntegrationsPage />
    </EvergrantProvider>,
  );
}
