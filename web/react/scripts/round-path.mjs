/**
 * Rounds the numbers of an SVG path to hundredths. Each relative number is measured from the rounded position, so that
 * errors do not add up: no point moves by more than 0.005 units.
 */

/** The parameters of each command: `x` and `y` are coordinates, `n` other numbers. */
const PARAMETERS = {
  m: 'xy',
  l: 'xy',
  h: 'x',
  v: 'y',
  c: 'xyxyxy',
  s: 'xyxy',
  q: 'xyxy',
  t: 'xy',
  a: 'nnnnnxy',
  z: '',
};
const round = (/** @type {number} */ value) => Math.round(value * 100) / 100;

/** Returns the path with rounded numbers. @param {string} path */
export function roundPath(path) {
  const exact = { x: 0, y: 0 };
  const drawn = { x: 0, y: 0 };
  const start = { exact: { ...exact }, drawn: { ...drawn } };
  let text = '';
  for (const [, command = '', list = ''] of path.matchAll(/([a-z])([^a-z]*)/gi)) {
    const kinds = PARAMETERS[/** @type {keyof typeof PARAMETERS} */ (command.toLowerCase())];
    const numbers = (list.match(/-?(?:\d+\.?\d*|\.\d+)/g) ?? []).map(Number);
    const isRelative = command === command.toLowerCase();
    const values = [];
    for (let at = 0; at < numbers.length; at += kinds.length) {
      const from = { ...exact };
      const drawnFrom = { ...drawn };
      for (const [index, kind] of [...kinds].entries()) {
        const value = numbers[at + index] ?? 0;
        if (kind === 'n') {
          values.push(round(value));
          continue;
        }
        const axis = /** @type {'x' | 'y'} */ (kind);
        exact[axis] = isRelative ? from[axis] + value : value;
        drawn[axis] = round(exact[axis]);
        values.push(round(isRelative ? drawn[axis] - drawnFrom[axis] : drawn[axis]));
      }
      if (command.toLowerCase() === 'm' && at === 0)
        Object.assign(start, { exact: { ...exact }, drawn: { ...drawn } });
    }
    if (kinds === '') {
      Object.assign(exact, start.exact);
      Object.assign(drawn, start.drawn);
    }
    text += command + joined(values);
  }
  return text;
}

/** Joins numbers with as few characters as possible. @param {number[]} values */
function joined(values) {
  let text = '';
  for (const value of values) {
    const number = String(value).replace(/^(-?)0\./, '$1.');
    const isSeparate =
      text === '' || number.startsWith('-') || (number.startsWith('.') && /\.\d*$/.test(text));
    text += isSeparate ? number : ` ${number}`;
  }
  return text;
}
