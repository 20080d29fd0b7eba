import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** For the gallery alone; what is published is compiled by tsc. */
export default defineConfig({ root: 'gallery', plugins: [react()] });
