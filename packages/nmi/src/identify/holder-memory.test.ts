import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { createHolderMemory, type Lookup } from './holder-memory.ts';
import type { Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

const web = pod();
const heir = pod({ uid: 'uid-heir', name: 'heir' });
const none: Identification = { kind: 'none' };
const [address = ''] = web.addresses;

const stage = (filed: readonly PodView[]) => {
  const clock = createFakeClock();
  const memory = {
    filedUnder: (asked: string) => filed.filter(({ addresses }) => addresses.includes(asked)),
    revision: 1,
    othersAwait: () => false,
    isCurrent: () => true,
    lastHeardMs: () => 0,
    missedMs: () => 0,
  };
  const check = { ageMs: 1_000, outageMs: 900_000 } as const;
  const findings = createHolderMemory({ memory, clock, check });
  const look = (over: Partial<Lookup> = {}): Lookup => ({
    address,
    openedAt: 0,
    neighbour: undefined,
    ...over,
  });
  const note = (of: string, result: Identification, known: Identification) =>
    findings.note(of, {
      result,
      known,
      begunAt: 0,
      othersAwait: undefined,
      neighbour: undefined,
    });
  return { findings, look, note };
};

it('does not use an answer if the watch delivered another pod for the address during the request', () => {
  const { findings, look, note } = stage([web]);
  // When it was asked, memory named nobody.
  note(address, { kind: 'pod', pod: heir }, none);
  expect(findings.recall(look())).toBeUndefined();
});

it('addresses without a pod do not evict entries of pods', () => {
  const { findings, look, note } = stage([web]);
  note(address, { kind: 'pod', pod: web }, { kind: 'pod', pod: web });
  for (let n = 0; n < 5_000; n += 1) note(`10.1.${n >> 8}.${n & 255}`, none, none);
  expect(findings.recall(look())?.result).toEqual({ kind: 'pod', pod: web });
});
