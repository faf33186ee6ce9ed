import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createRedirect, type RunProgram } from './installer.ts';
import { wantedRules } from './rules.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };

const stage = () => {
  const clock = createFakeClock();
  const table = { lines: ['-P PREROUTING ACCEPT'], isBroken: false };
  const restored: string[] = [];
  const run: RunProgram = (program, _args, input = '') => {
    if (table.isBroken) return Promise.reject(new Error('xtables lock'));
    if (program === 'iptables') return Promise.resolve(table.lines.join('\n'));
    restored.push(input);
    table.lines = [...wantedRules(target), '-A PREROUTING -j aad-metadata'];
    return Promise.resolve('');
  };
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const stop = new AbortController();
  const redirect = createRedirect({ target, everyMs: 60_000, clock, log, run });
  return { clock, lines, redirect, restored, stop, table };
};

it('installs the rules once and looks after them', async () => {
  const { clock, redirect, restored, stop, table, lines } = stage();
  const kept = redirect.keep(stop.signal);
  await clock.advance(60_000);
  expect([redirect.isInPlace(), restored.length]).toEqual([true, 1]);
  table.lines = [];
  await clock.advance(60_000);
  expect(restored.length).toBe(2);
  expect(lines.at(-1)).toContain('put right');
  stop.abort();
  await kept;
  expect(clock.pending).toBe(0);
});

it('W-S3: leaves the rules when it ends, so that nobody reaches the machine’s identities meanwhile', async () => {
  const { clock, redirect, restored, stop, table } = stage();
  const kept = redirect.keep(stop.signal);
  await clock.advance(1);
  stop.abort();
  await kept;
  expect(table.lines).toContain('-A PREROUTING -j aad-metadata');
  expect(restored.length).toBe(1);
});

it('says that the rules are not in place while they cannot be checked, and tries again', async () => {
  const { clock, redirect, stop, table } = stage();
  table.isBroken = true;
  const kept = redirect.keep(stop.signal);
  await clock.advance(1);
  expect(redirect.isInPlace()).toBe(false);
  table.isBroken = false;
  await clock.advance(60_000);
  expect(redirect.isInPlace()).toBe(true);
  stop.abort();
  await kept;
});
