/** Entry point of `/gallery`: each component and page in each state. Not part of the build. */
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
