import { useState } from 'react';
import { useEvergrantClient } from '../react/context.js';
import { firstLetter } from './IntegrationIcon.js';

/** An account's picture, or the first letter of its name if there is none or it cannot be loaded. */
export function Avatar({ name, src }: { name: string; src: string | null | undefined }) {
  const { imageUrl } = useEvergrantClient();
  const [failed, setFailed] = useState<string>();
  return (
    <span className="eg-avatar" aria-hidden="true">
      {src && src !== failed ? (
        <img src={imageUrl(src)} alt="" loading="lazy" decoding="async" onError={() => setFailed(src)} />
      ) : (
        firstLetter(name)
      )}
    </span>
  );
}
