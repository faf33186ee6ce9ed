// Liveness: after any history of changes, faults of Azure, refused writes and crashed passes, every pod has what a fresh start of MIC
// would give it, although nothing plans the host again but MIC's own timers.
import { KubeError } from '@pod-identity/kit/kube';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as build from '../plan/test/builders.ts';
import { idOf } from '../plan/test/builders.ts';
import { createFakeArm, type FakeArm, type PatchFault } from './test/fake-arm.ts';
import { createFakeWorld, host, type FakeWorld } from './test/fake-world.ts';

const names = ['a', 'b', 'c', 'd'];
const patient = { detachGraceMs: 60_000, driftPeriodMs: 180_000 };

type Refusal = 'denied' | 'invalid' | 'conflict' | 'not-found' | 'unavailable' | 'bug';

type Command =
  | { readonly kind: 'pod' | 'no-pod' | 'edit' | 'no-binding' | 'binding'; readonly name: string }
  | { readonly kind: 'faults'; readonly faults: readonly PatchFault[] }
  | { readonly kind: 'refusals'; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'occupy'; readonly ms: number }
  | { readonly kind: 'drain' | 'sweep' }
  | { readonly kind: 'deny' | 'permit'; readonly name: string }
  | { readonly kind: 'wait'; readonly ms: number };

const name = fc.constantFrom(...names);
const fault = fc.constantFrom<PatchFault>(
  ...(['conflict', 'throttled', 'unexplained', 'answer-lost', 'request-lost', 'timeout-done'] as const),
  ...(['server-error-done', 'server-error-not-done', 'fails-late'] as const),
);
const refusal = fc.constantFrom<Refusal>('denied', 'invalid', 'conflict', 'not-found', 'unavailable', 'bug');
const command = fc.oneof<fc.Arbitrary<Command>[]>(
  fc.record({
    kind: fc.constantFrom('pod', 'pod', 'pod', 'no-pod', 'edit', 'edit', 'no-binding', 'binding'),
    name,
  }),
  fc.record({ kind: fc.constantFrom('deny', 'permit'), name }),
  fc.record({ kind: fc.constant('faults'), faults: fc.array(fault, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('refusals'), refusals: fc.array(refusal, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('occupy'), ms: fc.constantFrom(10_000, 90_000) }),
  fc.record({ kind: fc.constantFrom('drain', 'sweep') }),
  fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(100, 1_000, 6_000, 20_000, 60_000) }),
);
const commands = fc.array(command, { minLength: 5, maxLength: 25 });

function createScene() {
  let made: FakeArm | undefined;
  const world = createFakeWorld({
    rules: patient,
    azure: (ports) => (made = createFakeArm(ports)),
  });
  const azure = made!;
  const refusals: Refusal[] = [];
  let isCheating = true;
  world.onWrite((what) => {
    if (!isCheating || !what.endsWith(' assigned')) return;
    const next = refusals.shift();
    // An object that is there is found.
    const one = next === 'not-found' && what !== 'create assigned' ? 'conflict' : next;
    if (one === 'bug') throw new TypeError('bug');
    if (one !== undefined) throw new KubeError(one, `${one}!`);
  });
  world.addNode();
  for (const one of names) {
    azure.create(idOf(one), build.clientIdOf(one));
    world.addIdentity(one);
  }
  const wanted = { pods: new Set<string>(), unbound: new Set<string>() };
  const settle = () => {
    isCheating = false;
    azure.faults.length = 0;
    azure.denied.clear();
  };
  return { world, azure, refusals, wanted, settle };
}

type Scene = ReturnType<typeof createScene>;
type TermOf = Awaited<ReturnType<FakeWorld['startTerm']>>;

type Play = {
  readonly [K in Command['kind']]: (
    scene: Scene & { readonly term: TermOf },
    command: Command & { readonly kind: K },
  ) => void | Promise<void>;
};

let edits = 0;

// Identities and bindings are not swept: their pods are stale until another command sweeps.
const plays: Play = {
  pod({ world, wanted, term }, one) {
    world.addPod(one.name, one.name);
    wanted.pods.add(one.name);
    term.poke();
  },
  'no-pod'({ world, wanted, term }, one) {
    world.removePod(one.name);
    wanted.pods.delete(one.name);
    term.poke();
  },
  edit({ world }, one) {
    edits += 1;
    const spec = { type: 0, resourceID: idOf(one.name), clientID: build.clientIdOf(`edit-${edits}`) };
    const view = build.identity({ name: one.name, spec });
    world.index.apply({ kind: 'identity', key: view.key, view });
  },
  binding({ world, wanted }, one) {
    const view = build.binding({ azureIdentity: one.name, selector: one.name });
    wanted.unbound.delete(one.name);
    world.index.apply({ kind: 'binding', key: view.key, view });
  },
  'no-binding'({ world, wanted }, one) {
    const { key } = build.binding({ azureIdentity: one.name });
    wanted.unbound.add(one.name);
    world.index.apply({ kind: 'binding', key, view: undefined });
  },
  deny: ({ azure }, one) => void azure.denied.add(idOf(one.name)),
  permit: ({ azure }, one) => void azure.denied.delete(idOf(one.name)),
  faults: ({ azure }, one) => void azure.faults.push(...one.faults),
  refusals: ({ refusals }, one) => void refusals.push(...one.refusals),
  occupy: ({ azure }, { ms }) => azure.occupy(ms),
  drain: ({ azure }) => azure.drain(host),
  sweep: ({ term }) => term.poke(),
  wait: ({ world }, { ms }) => world.clock.advance(ms),
};

function play(scene: Scene & { readonly term: TermOf }, one: Command): void | Promise<void> {
  return (plays[one.kind] as (on: typeof scene, one: Command) => void | Promise<void>)(scene, one);
}

test('every pod gets what a fresh start of MIC would give it, without any change that plans it again', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const made = createScene();
      const { world, wanted } = made;
      const term = await world.startTerm();
      const scene = { ...made, term };
      for (const one of list) {
        await play(scene, one);
        await world.clock.advance(50);
      }
      scene.settle();
      term.poke();
      for (let minute = 0; minute < 50; minute += 1) await world.clock.advance(60_000);
      const bound = [...wanted.pods].filter((one) => !wanted.unbound.has(one));
      expect(world.states()).toEqual(bound.map((one) => `${one}: Assigned`).sort());
    }),
    { numRuns: 200 },
  );
});
