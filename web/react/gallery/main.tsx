import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { EvergrantProvider } from '../src/index.js';
import { fr } from '../src/locales/fr.js';
import { pseudo } from '../src/locales/pseudo.js';
import { STATES } from './states.js';
import '../src/styles/tokens.css';
import '../src/styles/controls.css';
import '../src/styles/page.css';
import '../src/styles/overlays.css';
import './main.css';

const query = new URLSearchParams(location.search);
const make = STATES[query.get('state') ?? ''];
const messages = { fr, pseudo }[query.get('locale') ?? ''];
document.documentElement.dataset['scheme'] = query.get('scheme') ?? '';
if (messages) document.documentElement.dir = messages.dir;

const root = createRoot(document.body.appendChild(document.createElement('main')));
if (make) {
  const { client, view } = make();
  root.render(
    <StrictMode>
      <EvergrantProvider client={client} {...(messages ? { messages } : {})}>
        {view}
      </EvergrantProvider>
    </StrictMode>,
  );
  Object.assign(window, { client });
} else {
  root.render(
    <ul>
      {Object.keys(STATES).map((name) => (
        <li key={name}>
          <a href={`?state=${name}`}>{name}</a>
        </li>
      ))}
    </ul>,
  );
}
