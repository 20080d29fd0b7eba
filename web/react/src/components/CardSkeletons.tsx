import { useUi } from './ui.js';

/** The page before its data: cards of their true size, seen only if it takes a moment. */
export function CardSkeletons() {
  const { messages } = useUi();
  return (
    <div className="eg-grid eg-skeletons">
      <p role="status" className="eg-unseen">
        {messages.page.loading}
      </p>
      {[1, 2, 3, 4].map((place) => (
        <div key={place} className="eg-card eg-skeleton" aria-hidden="true">
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
