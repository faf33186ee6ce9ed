import { expect, it } from 'vitest';
import { isBusy, runProgram, runUnread, troubleOf } from './run-program.ts';

it.each([
  ['missing', 'ENOENT', ''],
  [
    'denied',
    4,
    'iptables v1.8.11 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)',
  ],
  ['denied', 1, 'netlink: Error: cache initialization failed: Operation not permitted'],
  [
    'busy',
    4,
    'Another app is currently holding the xtables lock; still 3s 0us time ahead to have a chance to grab the lock...\nAnother app is currently holding the xtables lock. Perhaps you want to use the -w option?',
  ],
  ['busy', 4, 'iptables: Resource temporarily unavailable.'],
  ['failed', 1, 'iptables: No chain/target/match by that name.'],
])('knows a program that is %s (%s)', (trouble, code, said) => {
  expect(troubleOf('iptables', { code, killed: false }, said).trouble).toBe(trouble);
});

it('takes a program that never ends for one that waits for others', () => {
  expect(isBusy(troubleOf('nft', { killed: true }, ''))).toBe(true);
});

it('gives a program its input and answers what it printed', async () => {
  await expect(runProgram('cat', [], 'rules')).resolves.toBe('rules');
  await expect(runProgram('/no/such/program', [])).rejects.toMatchObject({
    trouble: 'missing',
    message: '/no/such/program is not there',
  });
  await expect(runProgram('false', [], 'nobody reads this')).rejects.toMatchObject({ exitCode: 1 });
});

it('reads nothing of what a program prints where nobody needs it, however much that is', async () => {
  await expect(runUnread('seq', ['9000000'])).resolves.toBe('');
  await expect(runUnread('/no/such/program', [])).rejects.toMatchObject({ trouble: 'missing' });
  await expect(runUnread('false', [])).rejects.toMatchObject({ trouble: 'failed', exitCode: 1 });
  await expect(runUnread('ls', ['/no/such/file'])).rejects.toThrow('/no/such/file');
});
