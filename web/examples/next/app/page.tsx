import { EvergrantProvider, IntegrationsPage } from '@evergrant/react';
import { fetchStatus } from '@evergrant/react/server';
import { evergrant, signedIn } from '../evergrant';

export const dynamic = 'force-dynamic';

/** Arrives with its accounts in it. */
export default async function Page() {
  const status = await fetchStatus({ ...evergrant, ...(await signedIn()) });
  return (
    <EvergrantProvider initialStatus={status}>
      <IntegrationsPage />
    </EvergrantProvider>
  );
}
