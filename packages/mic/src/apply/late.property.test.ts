// Operations that fail after ARM has accepted an update: in any sequence, an object is Assigned only after IMDS serves its identity, no
// pod loses an identity, and in the end every pod has what it needs.
import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as build from '../plan/test/builders.ts';
import { idOf } from '../plan/test/builders.ts';
import { createFakeArm, type FakeArm, type PatchFault } from './test/fake-arm.ts';
import { createFakeWorld, host, type Crash, type FakeWorld } from './test/fake-world.ts';

const names = ['a', 'b', 'c', 'd'];
const patient = { detachGraceMs: 60_000, driftPeriodMs: 180_000 };

type Command =
  | { readonly kind: 'pod' | 'no-pod' | 'foreign'; readonly name: string }
  | { readonly kind: 'faults'; readonly faults: readonly PatchFault[] }
  | { readonly kind: 'fails-late'; readonly how: boolean }
  | { readonly kind: 'throttled-reads'; readonly times: number }
  | { readonly kind: 'occupy'; readonly ms: number; readonly end: 'Succeeded' | 'Failed' }
  | { readonly kind: 'drain' | 'new-leader' }
  | { readonly kind: 'wait'; readonly ms: number };

const name = fc.constantFrom(...names);
const fault = fc.constantFrom<PatchFault>(
  ...(['fails-late', 'fails-late', 'fails-late', 'conflict', 'throttled', 'answer-lost'] as const),
  ...(['request-lost', 'timeout-done', 'server-error-done', 'server-error-not-done'] as const),
);
const command = fc.oneof<fc.Arbitrary<Command>[]>(
  fc.record({ kind: fc.constantFrom('pod', 'pod', 'pod', 'no-pod', 'foreign'), name }),
  fc.record({ kind: fc.constant('faults'), faults: fc.array(fault, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('fails-late'), how: fc.boolean() }),
  fc.record({ kind: fc.constant('throttled-reads'), times: fc.integer({ min: 1, max: 2 }) }),
  fc.record({
    kind: fc.constant('occupy'),
    ms: fc.constantFrom(10_000, 90_000),
    end: fc.constantFrom('Succeeded', 'Failed'),
  }),
  fc.record({ kind: fc.constantFrom('drain', 'new-leader') }),
  fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1_000, 6_000, 20_000, 60_000, 300_000) }),
);
const commands = fc.array(command, { minLength: 5, maxLength: 25 });
const crashes: fc.Arbitrary<Crash[]> = fc.uniqueArray(
  fc.record({ at: fc.integer({ min: 1, max: 30 }), when: fc.constantFrom('before', 'after') }),
  { selector: ({ at }) => at, maxLength: 8 },
);

function createScene(planned: readonly Crash[]) {
  let made: FakeArm | undefined;
  const world = createFakeWorld({
    crashes: planned,
    rules: patient,
    azure: (ports) => (made = createFakeArm(ports)),
  });
  const azure = made!;
  const violations = new Set<string>();
  const wasAssigned = new Set<string>();
  const wanted = new Set<string>();
  world.addNode();
  for (const one of names) {
    azure.create(idOf(one), build.clientIdOf(one));
    world.addIdentity(one);
  }
  azure.onPatch = ({ removed }) => {
    for (const one of wanted) if (removed.includes(idOf(one))) violations.add(`${one} was taken off`);
  };
  const look = () => {
    const now = new Set(assignedIn(world));
    for (const pod of now) {
      if (!azure.effective.has(idOf(pod)) && !wasAssigned.has(pod))
        violations.add(`${pod} is called Assigned, and IMDS does not know its identity`);
      wasAssigned.add(pod);
    }
    for (const pod of [...wasAssigned]) {
      if (now.has(pod)) continue;
      wasAssigned.delete(pod);
      if (wanted.has(pod) && [...world.assigned.objects.values()].some(({ spec }) => spec.pod === pod))
        violations.add(`${pod} is not Assigned any more`);
    }
  };
  world.onWrite(look);
  let term: Awaited<ReturnType<typeof world.startTerm>> | undefined;
  const lead = async () => {
    term?.end();
    term = await world.startTerm();
  };
  const wait = async (ms: number) => {
    const stepMs = ms > 60_000 ? 15_000 : 1_000;
    for (let left = ms; left > 0; left -= stepMs) {
      term?.poke();
      await world.clock.advance(Math.min(stepMs, left));
      look();
      if (world.isDead) await lead();
    }
  };
  return { world, azure, violations, wanted, lead, wait };
}

function assignedIn({ assigned }: FakeWorld): string[] {
  return [...assigned.objects.values()]
    .filter(({ status }) => status.status === 'Assigned')
    .map(({ spec }) => spec.pod);
}

type Scene = ReturnType<typeof createScene>;

type Play = {
  readonly [K in Command['kind']]: (
    scene: Scene,
    command: Command & { readonly kind: K },
  ) => void | Promise<void>;
};

const plays: Play = {
  pod({ world, wanted }, one) {
    world.addPod(one.name, one.name);
    wanted.add(one.name);
  },
  'no-pod'({ world, wanted }, one) {
    world.removePod(one.name);
    wanted.delete(one.name);
  },
  foreign({ azure }, one) {
    if (!azure.attached.has(idOf(one.name))) azure.attach(idOf(one.name));
  },
  faults: ({ azure }, { faults }) => void azure.faults.push(...faults),
  'fails-late': ({ azure }, { how }) => void (azure.failsLate = how),
  'throttled-reads': ({ azure }, { times }) => void (azure.throttledReads += times),
  occupy: ({ azure }, { ms, end }) => azure.occupy(ms, end),
  drain: ({ azure }) => azure.drain(host),
  'new-leader': ({ lead }) => lead(),
  wait: ({ wait }, { ms }) => wait(ms),
};

function play(scene: Scene, one: Command): void | Promise<void> {
  return (plays[one.kind] as (scene: Scene, one: Command) => void | Promise<void>)(scene, one);
}

describe('operations that fail late', () => {
  it('break no assignment, and are compensated in the end', async () => {
    await fc.assert(
      fc.asyncProperty(crashes, commands, async (planned, list) => {
        const scene = createScene(planned);
        const { azure, wanted, world } = scene;
        await scene.lead();
        for (const one of list) {
          await play(scene, one);
          await scene.wait(1_000);
        }
        azure.failsLate = false;
        azure.faults.length = 0;
        azure.throttledReads = 0;
        await scene.wait(20 * 60_000);
        expect([...scene.violations]).toEqual([]);
        expect(assignedIn(world).sort()).toEqual([...wanted].sort());
        const lacking = [...wanted].map(idOf).filter((id: ResourceId) => !azure.effective.has(id));
        expect(lacking).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('that never end are finally retried every five minutes, in one PATCH for all, in any number of terms', async () => {
    const scene = createScene([]);
    const { azure, world } = scene;
    azure.failsLate = true;
    const sent: number[] = [];
    world.onWrite((what) => {
      if (what === 'PATCH') sent.push(world.clock.now());
    });
    await scene.lead();
    for (const one of names) world.addPod(one, one);
    await scene.wait(60 * 60_000);
    expect(sent.length).toBeLessThanOrEqual(20);
    expect(azure.attached.size).toBe(names.length);
    for (let term = 0; term < 6; term += 1) {
      await scene.lead();
      await scene.wait(10 * 60_000);
    }
    expect(sent.length).toBeLessThanOrEqual(40);
    azure.failsLate = false;
    await scene.wait(6 * 60_000);
    expect(assignedIn(world).sort()).toEqual(names);
  });
});
