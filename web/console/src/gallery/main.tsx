/** Every component of the library and every page of the console, in every state: `/gallery`, while developing alone. */
import '@evergrant/react/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../styles/base.css';
import '../styles/shell.css';
import './gallery.css';
import { Gallery } from './Gallery.js';

createRoot(document.body.appendChild(document.createElement('div'))).render(
  <StrictMode>
    <Gallery query={new URLSearchParams(location.search)} />
  </StrictMode>,
);
