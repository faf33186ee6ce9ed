import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { builtSoFar, packagesOf, progressLine, showProgress } from './set-up-progress.mjs';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const setUp = (terminal: { readonly isTTY?: boolean; readonly columns?: number }) => {
  const written: string[] = [];
  let installed = 0;
  const stream = { ...terminal, write: (text: string) => written.push(text) };
  const end = showProgress('installing', { detail: () => `${(installed += 1)} of 9`, stream });
  return { written, end };
};

test('on a terminal one line is written again each second, and stays with the time that the step took', () => {
  const { written, end } = setUp({ isTTY: true, columns: 80 });
  vi.advanceTimersByTime(2_000);
  end('done');
  expect(written).toEqual([
    '\r› installing: 1 of 9, 0 s\u001b[K',
    '\r› installing: 2 of 9, 1 s\u001b[K',
    '\r› installing: 3 of 9, 2 s\u001b[K',
    '\r› installing: done, 2 s\u001b[K\n',
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test('elsewhere there is a line now and then, without control characters', () => {
  const { written, end } = setUp({});
  vi.advanceTimersByTime(45_000);
  end('failed');
  expect(written).toEqual([
    '› installing: 1 of 9, 0 s\n',
    '› installing: 2 of 9, 20 s\n',
    '› installing: 3 of 9, 40 s\n',
    '› installing: failed, 45 s\n',
  ]);
});

test.each([40, 80, 120])('a line is shorter than a terminal of %d columns', (columns) => {
  const line = progressLine({ title: 'x'.repeat(200), seconds: 1, columns });
  expect(line).toHaveLength(columns - 1);
});

test('what nx prints says how many packages are built', () => {
  expect(builtSoFar('')).toBeUndefined();
  const begun = '\n NX   Running target build for 5 projects:\n\n- a\n';
  expect(builtSoFar(begun)).toBe('0 of 5 packages');
  expect(builtSoFar(`${begun}\n> nx run a:build\n\nok\n> nx run b:build  [local cache]\n`)).toBe(
    '2 of 5 packages',
  );
});

test('packages of other machines, and inside other packages, are not awaited', () => {
  const packages = {
    '': {},
    'packages/mic': {},
    'node_modules/any': {},
    'node_modules/any/node_modules/inside': {},
    'node_modules/mac': { os: ['darwin'], cpu: ['arm64'] },
    'node_modules/linux': { os: ['linux'], cpu: ['x64'] },
    'node_modules/musl': { os: ['linux'], libc: ['musl'] },
    'node_modules/not-windows': { os: ['!win32'] },
  };
  const onLinux = packagesOf({ packages }, { platform: 'linux', arch: 'x64' });
  expect(onLinux).toEqual(['node_modules/any', 'node_modules/linux', 'node_modules/not-windows']);
  const onMac = packagesOf({ packages }, { platform: 'darwin', arch: 'arm64' });
  expect(onMac).toEqual(['node_modules/any', 'node_modules/mac', 'node_modules/not-windows']);
});
