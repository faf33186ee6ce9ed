import { createLog } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import { createConntrackCutter } from './conntrack.ts';
import { ProgramError, type RunProgram } from './run-program.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };
const stage = (outcome: () => Promise<string>) => {
  const calls: string[] = [];
  const lines: string[] = [];
  const run: RunProgram = (program, args) => {
    calls.push([program, ...args].join(' '));
    return outcome();
  };
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const cut = createConntrackCutter(target, run, log);
  return { calls, cut, lines };
};

it('forgets what goes to the metadata service past us, and nothing that was led here', async () => {
  const { calls, cut, lines } = stage(() => Promise.resolve(''));
  await cut();
  expect(calls).toEqual([
    'conntrack -D -p tcp --orig-dst 169.254.169.254 --orig-port-dst 80 --reply-src 169.254.169.254',
  ]);
  expect(lines).toEqual([]);
});

it('is content when there is nothing to forget', async () => {
  const none = new ProgramError('failed', 'conntrack failed with 1: 0 flow entries have been deleted.', 1);
  const { cut, lines } = stage(() => Promise.reject(none));
  await cut();
  expect(lines).toEqual([]);
});

it('does without the program, and says so once', async () => {
  const { cut, lines } = stage(() => Promise.reject(new ProgramError('missing', 'conntrack is not there')));
  await cut();
  await cut();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('the rules refuse them');
});
