// Ownership of identities on a host: for any writes of editors, any responses of ARM, and crashes of MIC at any point.
import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as build from '../plan/test/builders.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { idOf } from '../plan/test/builders.ts';
import { createFakeArm, type FakeArm, type PatchFault } from './test/fake-arm.ts';
import { createFakeWorld, host, type Crash, type FakeWorld } from './test/fake-world.ts';

// Attached by AKS or an administrator before MIC; must never become MIC's.
const foreign = ['f0', 'f1', 'f2'];
const all = [...foreign, 'own', 'late', 'nowhere'];
const foreignIds = new Set(foreign.map(idOf));
const patient = { detachGraceMs: 60_000, driftPeriodMs: 180_000 };

type Command =
  | {
      readonly kind: 'identity';
      readonly slot: string;
      readonly resource: string;
      readonly clientId: 'right' | 'wrong' | 'none';
    }
  | { readonly kind: 'no-identity'; readonly slot: string }
  | { readonly kind: 'assigned'; readonly slot: string; readonly resource: string }
  | { readonly kind: 'pod' | 'no-pod'; readonly slot: string }
  | { readonly kind: 'recreate' | 'delete' | 'deny' | 'permit'; readonly resource: string }
  | { readonly kind: 'faults'; readonly faults: readonly PatchFault[] }
  | { readonly kind: 'drain' }
  | { readonly kind: 'occupy'; readonly ms: number }
  | { readonly kind: 'new-leader' }
  | { readonly kind: 'wait'; readonly ms: number };

const slots = ['a', 'b', 'c', 'd'];
const slot = fc.constantFrom(...slots);
const resource = fc.constantFrom(...all);
const fault = fc.constantFrom<PatchFault>(
  ...(['conflict', 'throttled', 'unexplained', 'answer-lost', 'request-lost', 'timeout-done'] as const),
  ...(['timeout-not-done', 'server-error-done', 'server-error-not-done', 'fails-late'] as const),
);
/** Writes of namespace editors. */
const editors: fc.Arbitrary<Command>[] = [
  fc.record({
    kind: fc.constant('identity'),
    slot,
    resource,
    clientId: fc.constantFrom('right', 'wrong', 'none'),
  }),
  fc.record({
    kind: fc.constant('identity'),
    slot,
    resource,
    clientId: fc.constantFrom('right', 'wrong', 'none'),
  }),
  fc.record({ kind: fc.constant('no-identity'), slot }),
  fc.record({ kind: fc.constant('assigned'), slot, resource }),
  fc.record({ kind: fc.constantFrom('pod', 'pod', 'no-pod'), slot }),
] as fc.Arbitrary<Command>[];
/** Events in Azure and MIC. */
const others: fc.Arbitrary<Command>[] = [
  fc.record({ kind: fc.constantFrom('recreate', 'delete', 'deny', 'permit'), resource }),
  fc.record({ kind: fc.constant('faults'), faults: fc.array(fault, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('drain') }),
  fc.record({ kind: fc.constant('occupy'), ms: fc.constantFrom(10_000, 600_000) }),
  fc.record({ kind: fc.constant('new-leader') }),
  fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1_000, 15_000, 60_000, 400_000) }),
] as fc.Arbitrary<Command>[];
const commands = fc.array(fc.oneof(...editors, ...others), { minLength: 10, maxLength: 40 });
const crashes: fc.Arbitrary<Crash[]> = fc.uniqueArray(
  fc.record({ at: fc.integer({ min: 1, max: 40 }), when: fc.constantFrom('before', 'after') }),
  { selector: ({ at }) => at, maxLength: 12 },
);
const settings = fc.record({ rejectsDeadEntries: fc.boolean(), crashes });

interface Settings {
  readonly rejectsDeadEntries: boolean;
  readonly crashes: readonly Crash[];
}

interface RecordText {
  readonly ours: readonly { readonly id: ResourceId }[];
  readonly renewing?: readonly { readonly id: ResourceId }[];
}

/** A scale set with foreign identities, a MIC, and all operations on both. */
function createScene({ rejectsDeadEntries, crashes }: Settings) {
  let arm: FakeArm | undefined;
  const world = createFakeWorld({ crashes, rules: patient, azure: (ports) => (arm = createFakeArm(ports)) });
  const azure = arm!;
  azure.rejectsDeadEntries = rejectsDeadEntries;
  const violations: string[] = [];
  for (const name of all) if (name !== 'nowhere') azure.create(idOf(name), build.clientIdOf(name));
  for (const id of foreignIds) azure.attach(id);
  azure.onPatch = ({ living }) =>
    violations.push(
      ...living.filter((id) => foreignIds.has(id)).map((id) => `took off ${id}, which is alive`),
    );
  world.addNode();
  for (const name of slots) {
    const view = build.binding({ namespace: 'evil', name, azureIdentity: name, selector: name });
    world.index.apply({ kind: 'binding', key: view.key, view });
    podIn(world, name);
  }

  let term: Awaited<ReturnType<typeof world.startTerm>> | undefined;
  const lead = async () => {
    term?.end();
    term = await world.startTerm();
    for (const view of forged) tell(view);
  };
  const forged: AssignedView[] = [];
  const tell = (view: AssignedView) => {
    term?.mirror.set(`${view.namespace}/${view.name}`, view);
    world.index.recordChanged(view);
  };
  /** In every term, as if it had been read. */
  const forge = (view: AssignedView) => {
    forged.push(view);
    tell(view);
  };
  const records = () => world.records().map((text) => JSON.parse(text) as RecordText);
  const look = () => {
    for (const { ours } of records()) {
      violations.push(
        ...ours.filter(({ id }) => foreignIds.has(id)).map(({ id }) => `${id} is on record as MIC's own`),
      );
    }
  };
  const wait = async (ms: number, stepMs = 15_000) => {
    for (let left = ms; left > 0; left -= stepMs) {
      term?.poke();
      await world.clock.advance(Math.min(stepMs, left));
      look();
      if (world.isDead) await lead();
    }
  };
  return { world, azure, violations, records, lead, wait, forge };
}

function podIn({ index }: FakeWorld, name: string): void {
  const view = build.pod({ namespace: 'evil', name: `pod-${name}`, label: name });
  index.apply({ kind: 'pod', key: `evil/pod-${name}`, view });
}

type Scene = ReturnType<typeof createScene>;

type Play = {
  readonly [K in Command['kind']]: (
    scene: Scene,
    command: Command & { readonly kind: K },
  ) => void | Promise<void>;
};

const plays: Play = {
  identity({ world }, { slot: name, resource: of, clientId }) {
    const stated = {
      right: { clientID: build.clientIdOf(of) },
      wrong: { clientID: build.clientIdOf('other') },
      none: {},
    }[clientId];
    const spec = { type: 0, resourceID: build.resourceIdOf(of), ...stated };
    const view = build.identity({ namespace: 'evil', name, spec });
    world.index.apply({ kind: 'identity', key: view.key, view });
  },
  'no-identity': ({ world }, command) =>
    world.index.apply({ kind: 'identity', key: `evil/${command.slot}`, view: undefined }),
  assigned({ forge }, { slot: name, resource: of }) {
    const identity = { namespace: 'evil', name, spec: { type: 0, resourceID: build.resourceIdOf(of) } };
    const pod = { podNamespace: 'evil', podName: `pod-${name}` };
    const view = build.assigned({ namespace: 'evil', ...pod, identity });
    forge(view);
  },
  pod: ({ world }, command) => podIn(world, command.slot),
  'no-pod': ({ world }, command) =>
    world.index.apply({ kind: 'pod', key: `evil/pod-${command.slot}`, view: undefined }),
  recreate: ({ azure }, command) => azure.create(idOf(command.resource)),
  delete: ({ azure }, command) => azure.remove(idOf(command.resource)),
  deny: ({ azure }, command) => void azure.denied.add(idOf(command.resource)),
  permit: ({ azure }, command) => void azure.denied.delete(idOf(command.resource)),
  faults: ({ azure }, command) => void azure.faults.push(...command.faults),
  drain: ({ azure }) => azure.drain(host),
  occupy: ({ azure }, command) => azure.occupy(command.ms),
  'new-leader': ({ lead }) => lead(),
  wait: ({ wait }, command) => wait(command.ms),
};

function play(scene: Scene, command: Command): void | Promise<void> {
  return (plays[command.kind] as (scene: Scene, command: Command) => void | Promise<void>)(scene, command);
}

/** Removes all faults and all needs. */
async function calm({ world, azure, lead, wait }: Scene): Promise<void> {
  azure.faults.length = 0;
  azure.denied.clear();
  for (const name of all) if (!azure.isAlive(idOf(name))) azure.create(idOf(name));
  await lead();
  for (const name of slots) world.index.apply({ kind: 'pod', key: `evil/pod-${name}`, view: undefined });
  await wait(3 * 3_600_000, 300_000);
}

/** No foreign identity was detached alive or recorded as MIC's, and none of MIC's own is left. */
function expectOthersAlone({ violations, azure, records }: Scene): void {
  expect(violations).toEqual([]);
  expect([...azure.attached.keys()].sort()).toEqual([...foreignIds].sort());
  expect(records().flatMap(({ ours, renewing = [] }) => [...ours, ...renewing])).toEqual([]);
}

describe('identities that others attached', () => {
  it('are never detached while they are alive, never become MIC’s, and are back in the end; none of MIC’s own is left', async () => {
    await fc.assert(
      fc.asyncProperty(settings, commands, async (options, list) => {
        const scene = createScene(options);
        await scene.lead();
        for (const command of list) {
          await play(scene, command);
          await scene.wait(1_000);
        }
        await calm(scene);
        expectOthersAlone(scene);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('do not keep MIC’s own on the host when two of them are dead, ARM refuses every update because of them, and the budget is spent', async () => {
    const scene = createScene({ rejectsDeadEntries: true, crashes: [] });
    await scene.lead();
    await play(scene, { kind: 'identity', slot: 'a', resource: 'own', clientId: 'right' });
    await scene.wait(60_000);
    expect(scene.azure.attached.has(idOf('own'))).toBe(true);
    for (const name of ['f0', 'f2']) await play(scene, { kind: 'recreate', resource: name });
    await play(scene, { kind: 'no-pod', slot: 'a' });
    await play(scene, { kind: 'drain' });
    await scene.wait(600_000);
    expectOthersAlone(scene);
  });
});
