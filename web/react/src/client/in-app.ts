/** Matches the user agents of browsers built into apps. */
const IN_APP =
  /\bInstagram\b|\bFBA[NV]\b|\bFB_IAB\b|musical_ly|BytedanceWebview|TikTok|\bSnapchat\b|\bLine\/|MicroMessenger|Twitter(?:Android| for)|\bReddit\/(?:V|\d)/i;

/**
 * Returns whether the page runs in the browser built into an app, such as Instagram's. Platforms refuse to sign users in
 * there, so the app should say so before the user tries.
 */
export function inAppBrowser(userAgent: string = navigator.userAgent): boolean {
  return IN_APP.test(userAgent);
}
