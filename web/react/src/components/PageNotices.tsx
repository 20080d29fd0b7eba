import { OutageNotice } from './OutageNotice.js';
import { useAfterFirstRender } from './useAfterFirstRender.js';
import { useExtras } from './useExtras.js';

/** The notices above the list: an unsuitable browser, or data that is out of date. */
export function PageNotices() {
  const extras = useExtras(useAfterFirstRender());
  return (
    <>
      {extras && <extras.InAppNotice />}
      <OutageNotice />
    </>
  );
}
