import { APP } from '../base.js';

/** The app's logo, or Evergrant's. Decorative: the name is written next to it or in the title. */
export function Mark() {
  if (APP.logo) return <img className="logo" src={APP.logo} height="28" alt="" />;
  return (
    <svg className="mark" viewBox="0 0 40 40" width="28" height="28" aria-hidden="true">
      <path d="M20 5 28 16h-4l7 9h-4l6 8H22v3h-4v-3H7l6-8H9l7-9h-4z" />
    </svg>
  );
}
