import { version } from 'react';
import { version as domVersion } from 'react-dom';
import { expect, test } from 'vitest';

declare const REACT: string;

test('the test project runs on the React version in its name', () => {
  expect([version, domVersion].map((one) => one.split('.')[0])).toEqual([REACT, REACT]);
});
