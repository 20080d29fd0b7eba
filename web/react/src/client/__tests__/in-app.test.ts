import { expect, test } from 'vitest';
import { inAppBrowser } from '../in-app.js';

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';

test.each([
  `${PHONE} Instagram 350.0.0.0 (iPhone14,5; iOS 18_0)`,
  `${PHONE} [FBAN/FBIOS;FBAV/480.0.0.0;FBBV/1]`,
  `${PHONE} musical_ly_36.0.0 BytedanceWebview/d8a21c6`,
  `${PHONE} Line/14.0.0`,
  `${PHONE} Snapchat/13.0`,
])('in-app browser is detected: %s', (agent) => expect(inAppBrowser(agent)).toBe(true));

test.each([
  `${PHONE} Version/18.0 Safari/604.1`,
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0',
])('stand-alone browser is not an in-app browser: %s', (agent) => expect(inAppBrowser(agent)).toBe(false));
