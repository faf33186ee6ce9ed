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
    isCurrent: () => true,
    lastHeardMs: () => 0,
    missedMs: () => 0,
    othersAwait: () => false,
  };
  const check = { mode: 'live', ageMs: 1_000, outageMs: 900_000 } as const;
  const findings = createHolderMemory({ memory, clock, check });
  const look = (over: Partial<Lookup> = {}): Lookup => ({
    address,
    openedAt: 0,
    neighbour: undefined,
    ...over,
  });
  const note = (of: string, answer: Identification, known: Identification) =>
    findings.note(of, { answer, known, begunAt: 0, othersAwait: undefined, neighbour: undefined });
  return { findings, look, note };
};

it('a pod that the watch named while its address was asked for is asked for in turn', () => {
  const { findings, look, note } = stage([web]);
  // When it was asked, memory named nobody.
  note(address, { kind: 'pod', pod: heir }, none);
  expect(findings.recall(look())).toBeUndefined();
});

it('any number of addresses that are nobody’s leave what was found of a pod', () => {
  const { findings, look, note } = stage([web]);
  note(address, { kind: 'pod', pod: web }, { kind: 'pod', pod: web });
  for (let n = 0; n < 5_000; n += 1) note(`10.1.${n >> 8}.${n & 255}`, none, none);
  expect(findings.recall(look())?.answer).toEqual({ kind: 'pod', pod: web });
});
