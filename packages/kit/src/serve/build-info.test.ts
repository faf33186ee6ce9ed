import { expect, test } from 'vitest';
import { buildInfo, userAgentOf, versionLine } from './build-info.ts';

const build = { version: '1', commit: 'c', date: 'd' };

test('sources that run without a bundle know their version alone', () => {
  expect(buildInfo('1')).toEqual({ version: '1', commit: 'unknown', date: 'unknown' });
});

test('--version is as in the original', () => {
  expect(versionLine('MIC', build)).toBe('MIC Version: 1 - NMI Version: 1 - Commit: c - Date: d');
  expect(versionLine('NMI', build)).toBe('NMI Version: 1 - Commit: c - Date: d');
});

test.each([
  [undefined, 'aad-pod-identity/MIC/1/c/d'],
  ['', 'aad-pod-identity/MIC/1/c/d'],
  ['mine', 'aad-pod-identity/MIC/1/c/d mine'],
])('C17 user agent with suffix %j', (suffix, expected) => {
  expect(userAgentOf('MIC', build, suffix)).toBe(expected);
});

test('C17 the user agent of NMI', () => {
  expect(userAgentOf('NMI', build)).toBe('aad-pod-identity/NMI/1/c/d');
});
