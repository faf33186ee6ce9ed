import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createRedirect } from './installer.ts';
import type { RuleTable } from './nftables.ts';
import { ProgramError } from './run-program.ts';

const everyMs = 5_000;
const stage = () => {
  const clock = createFakeClock();
  const kernel = {
    isRight: false,
    isGreedy: false,
    trouble: undefined as Error | undefined,
    lacks: undefined as string | undefined,
  };
  const done: string[] = [];
  const reach = () => (kernel.trouble ? Promise.reject(kernel.trouble) : Promise.resolve());
  const rules: RuleTable = {
    isRight: () => reach().then(() => kernel.isRight),
    install: async () => {
      await reach();
      done.push('install');
      kernel.isRight = !kernel.isGreedy;
    },
    remove: () => Promise.reject(new Error('nobody asked for it')),
  };
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const stop = new AbortController();
  const redirect = createRedirect({
    rules,
    everyMs,
    clock,
    log,
    afterInstall: () => Promise.resolve(void done.push('cut')),
    onRepaired: () => done.push('repaired'),
    prepareKernel: () => Promise.resolve(kernel.lacks),
  });
  const end = async (kept: Promise<void>) => {
    stop.abort();
    await kept;
    expect(clock.pending).toBe(0);
  };
  return { clock, done, end, kernel, lines, redirect, signal: stop.signal };
};
const busy = new ProgramError('busy', 'nft failed with 1: Device or resource busy', 1);

it('installs the rules once, forgets older connections then, and looks after both', async () => {
  const { clock, done, end, kernel, lines, redirect, signal } = stage();
  expect(redirect.problem()).toContain('not in place yet');
  const kept = redirect.keep(signal);
  await clock.advance(4 * everyMs);
  expect(done).toEqual(['install', 'cut']);
  expect([redirect.isInstalled(), redirect.problem()]).toEqual([true, undefined]);
  kernel.isRight = false;
  await clock.advance(everyMs);
  expect(done).toEqual(['install', 'cut', 'install', 'cut', 'repaired']);
  expect(lines.at(-1)).toContain('put right');
  await end(kept);
});

it('W-S3: leaves the rules when it ends, so that nobody reaches the machine’s identities meanwhile', async () => {
  const { clock, end, kernel, redirect, signal } = stage();
  const kept = redirect.keep(signal);
  await clock.advance(1);
  await end(kept);
  expect(kernel.isRight).toBe(true);
});

it('is patient with whoever holds the lock: says so once, tries again soon, and does not end', async () => {
  const { clock, end, kernel, lines, redirect, signal } = stage();
  kernel.trouble = busy;
  const kept = redirect.keep(signal);
  await clock.advance(20 * everyMs);
  expect(redirect.problem()).toContain('resource busy');
  expect(lines).toHaveLength(1);
  kernel.trouble = undefined;
  await clock.advance(everyMs);
  expect([redirect.isInstalled(), redirect.problem()]).toEqual([true, undefined]);
  await end(kept);
});

it('believes that its rules are there while somebody holds the lock, and looks soon after', async () => {
  const { clock, end, kernel, redirect, signal } = stage();
  const kept = redirect.keep(signal);
  await clock.advance(1);
  kernel.trouble = busy;
  await clock.advance(everyMs);
  expect([redirect.isInstalled(), redirect.problem()]).toEqual([true, undefined]);
  Object.assign(kernel, { trouble: undefined, isRight: false });
  await clock.advance(250);
  expect(kernel.isRight).toBe(true);
  await end(kept);
});

it('says what keeps the rules out, as long as it does, and when that is over', async () => {
  const { clock, end, kernel, lines, redirect, signal } = stage();
  kernel.trouble = new ProgramError('denied', 'nft failed with 1: Operation not permitted', 1);
  const kept = redirect.keep(signal);
  await clock.advance(3 * everyMs);
  expect([redirect.isInstalled(), redirect.problem()]).toEqual([
    false,
    'the redirect rules cannot be kept: nft failed with 1: Operation not permitted: the agent needs nft, the capability NET_ADMIN, user 0 and a kernel with nf_tables',
  ]);
  expect(lines).toHaveLength(1);
  kernel.trouble = undefined;
  await clock.advance(everyMs);
  expect(redirect.problem()).toBeUndefined();
  expect(lines.at(-1)).toContain('in place again');
  await end(kept);
});

it('does not believe in rules that somebody removes as fast as they are written', async () => {
  const { clock, end, kernel, redirect, signal } = stage();
  kernel.isGreedy = true;
  const kept = redirect.keep(signal);
  await clock.advance(1);
  expect(redirect.isInstalled()).toBe(false);
  expect(redirect.problem()).toContain('something else removes them');
  await end(kept);
});

it('rules alone do not make it well: what the kernel lacks is said until it is there', async () => {
  const { clock, end, kernel, lines, redirect, signal } = stage();
  kernel.lacks = 'net.ipv4.conf.all.route_localnet is 0';
  const kept = redirect.keep(signal);
  await clock.advance(2 * everyMs);
  expect(redirect.problem()).toBe(kernel.lacks);
  expect(lines.filter((line) => line.includes('route_localnet'))).toHaveLength(1);
  kernel.lacks = undefined;
  await clock.advance(everyMs);
  expect(redirect.problem()).toBeUndefined();
  await end(kept);
});
