import { useUi } from './ui.js';

/** Placeholders in the size of the cards while the list loads; they appear after a short delay. */
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
