/** Reporter for `node --test`: prints failures, their output, and the number of tests. */

/** @param {AsyncIterable<unknown>} events */
export default async function* quiet(events) {
  const count = { passed: 0, failed: 0 };
  for await (const { type, data } of /** @type {AsyncIterable<any>} */ (events)) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    if (type === 'test:diagnostic' && data.message.startsWith('from ')) yield `${data.message}\n`;
    if (type === 'test:pass') count.passed += Number(data.nesting === 0);
    if (type !== 'test:fail' || data.details.error?.failureType === 'subtestsFailed') continue;
    count.failed++;
    const { cause } = data.details.error;
    yield `\n✖ ${data.name} (${data.file})\n${cause?.stack ?? cause ?? data.details.error}\n`;
  }
  yield `${count.passed} passed, ${count.failed} failed\n`;
}
