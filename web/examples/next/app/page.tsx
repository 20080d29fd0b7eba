import { EvergrantProvider, IntegrationsPage } from '@evergrant/react';
import { fetchStatus } from '@evergrant/react/server';
import { evergrant, signedIn } from '../evergrant';

export const dynamic = 'force-dynamic';

/** Renders the integrations page on the server, with the user's accounts. */
export default async function Page() {
  const status = await fetchStatus({ ...evergrant, ...(await signedIn()) });
  return (
    <EvergrantProvider initialStatus={status}>
      <IntegrationsPage />
    </EvergrantProvider>
  );
}
