import type { LeaderTerm } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createHostMemory } from '../apply/memory.ts';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { now } from '../plan/test/builders.ts';
import { openTerm, type OpeningOptions } from './opening.ts';

function open(more: Partial<OpeningOptions> = {}): Promise<boolean> {
  const term: LeaderTerm = { signal: new AbortController().signal, holds: () => true };
  return openTerm({
    term,
    view: { synced: Promise.resolve(), hasSynced: () => true },
    ledger: { load: () => Promise.resolve([]) },
    memory: createHostMemory(),
    clock: createFakeClock(now),
    random: () => 0.5,
    log: createFakeLog(),
    ...more,
  });
}

test('a term begins once the records are read and the watches have synced', async () => {
  const synced = Promise.withResolvers<undefined>();
  const opened = open({ view: { synced: synced.promise, hasSynced: () => true } });
  expect(await Promise.race([opened, new Promise((resolve) => setImmediate(resolve))])).toBeUndefined();
  synced.resolve(undefined);
  expect(await opened).toBe(true);
});

test('a term that ends before does not begin', async () => {
  const ended = new AbortController();
  const term: LeaderTerm = { signal: ended.signal, holds: () => !ended.signal.aborted };
  const opened = open({ term, view: { synced: new Promise(() => undefined), hasSynced: () => false } });
  ended.abort(new Error('the lease is lost'));
  expect(await opened).toBe(false);
});
