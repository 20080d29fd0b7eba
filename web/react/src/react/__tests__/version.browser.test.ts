import { version } from 'react';
import { version as domVersion } from 'react-dom';
import { expect, test } from 'vitest';

declare const REACT: string;

test('these tests run on the React that they are named for', () => {
  expect([version, domVersion].map((one) => one.split('.')[0])).toEqual([REACT, REACT]);
});
