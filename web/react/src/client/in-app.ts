/** Browsers inside of apps, as their user agents name themselves. */
const IN_APP =
  /\bInstagram\b|\bFBA[NV]\b|\bFB_IAB\b|musical_ly|BytedanceWebview|TikTok|\bSnapchat\b|\bLine\/|MicroMessenger|Twitter(?:Android| for)|\bReddit\/(?:V|\d)/i;

/** Whether this is an app's own browser: platforms refuse to sign people in there, so it is better said before. */
export function inAppBrowser(userAgent: string = navigator.userAgent): boolean {
  return IN_APP.test(userAgent);
}
