import { useAfterFirst } from './useAfterFirst.js';
import { useExtras } from './useExtras.js';

/** What may stand above the list: that this browser cannot connect, that what is shown is old. */
export function PageNotices() {
  const extras = useExtras(useAfterFirst());
  return (
    extras && (
      <>
        <extras.InAppNotice />
        <extras.OutageNotice />
      </>
    )
  );
}
