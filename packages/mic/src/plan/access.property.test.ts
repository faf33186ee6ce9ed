// Random histories of objects and answers: the index counts, and the plans, must match a computation from scratch over the
// current objects and the answers so far.
import { accessModes, accessTargetKey, strictestMode, type AccessMode } from '@pod-identity/crd-types';
import { targetsOf, type NamesReview } from '@pod-identity/policy';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairRegistry } from '../access/pair-registry.ts';
import { foldReview, unreviewed, type PairState, type PairVerdict } from '../access/pair-verdict.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { MatchedIdentity } from '../snapshot/index/match-set.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import type { PodView } from '../snapshot/views.ts';
import { planHost, podKeyOf } from './plan.ts';
import { Records } from './records.ts';
import {
  assigned,
  binding,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  node,
  now,
  pod,
  rules,
} from './test/builders.ts';
import { applyTo, podsWith, type Change } from './test/cluster-plan.ts';

const recheckMs = 300_000;
const providerIds: Readonly<Record<string, string>> = {
  n0: instanceOf('vmss1', 0),
  n1: instanceOf('vmss2', 0),
  n2: 'kind://docker/kind/n2',
};
const hosts = ['n0', 'n1'].map((name) => hostOf(providerIds[name]!));
const namespaces = ['a', 'b'];
const anyNamespace = fc.constantFrom(...namespaces);
const accounts = fc.constantFrom('web', 'api');
const anyAnswer = fc.constantFrom<NamesReview>(
  { kind: 'allowed', level: 0 },
  { kind: 'allowed', level: 2 },
  { kind: 'refused' },
  { kind: 'refused' },
  { kind: 'unanswered' },
);

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({
      namespace: anyNamespace,
      name: fc.constantFrom('p0', 'p1', 'p2'),
      node: fc.constantFrom('n0', 'n0', 'n1', 'n2', ''),
      label: fc.constantFrom('s0', 's1'),
      serviceAccount: accounts,
      phase: fc.constantFrom('Running', 'Running', 'Running', 'Failed'),
    })
    .map((fields) => ({
      kind: 'pod' as const,
      key: `${fields.namespace}/${fields.name}`,
      view: pod(fields),
    })),
  fc
    .tuple(anyNamespace, fc.constantFrom('p0', 'p1', 'p2'))
    .map(([namespace, name]) => ({ kind: 'pod' as const, key: `${namespace}/${name}`, view: undefined })),
  fc
    .record({
      namespace: anyNamespace,
      name: fc.constantFrom('i0', 'i1'),
      resource: fc.constantFrom('r0', 'r1'),
      kind: fc.constantFrom('managed', 'managed', 'foreign', 'gone'),
      note: fc.constantFrom('1', '2'),
    })
    .map(({ namespace, name, resource, kind, note }) => {
      const key = `${namespace}/${name}`;
      const id = kind === 'foreign' ? `${idOf(resource)}é` : idOf(resource);
      const fields = {
        namespace,
        name,
        metadata: { annotations: { note } },
        spec: { type: 0, resourceID: id },
      };
      return { kind: 'identity' as const, key, view: kind === 'gone' ? undefined : identity(fields) };
    }),
  fc
    .record({
      namespace: anyNamespace,
      azureIdentity: fc.constantFrom('i0', 'i1'),
      selector: fc.constantFrom('s0', 's1'),
    })
    .map((fields) => {
      const view = binding(fields);
      return { kind: 'binding' as const, key: view.key, view };
    }),
  fc.tuple(anyNamespace, fc.constantFrom('i0', 'i1')).map(([namespace, name]) => ({
    kind: 'binding' as const,
    key: `${namespace}/${name}-binding`,
    view: undefined,
  })),
  anyNamespace.map((name) => ({ kind: 'namespace' as const, key: name, view: undefined })),
  fc
    .tuple(anyNamespace, fc.constantFrom(...accessModes, undefined))
    .map(([name, access]) => ({ kind: 'namespace' as const, key: name, view: { name, labels: {}, access } })),
  fc
    .record({
      podNamespace: anyNamespace,
      podName: fc.constantFrom('p0', 'p1'),
      identity: fc.record({ namespace: anyNamespace, name: fc.constantFrom('i0', 'i1') }),
      node: fc.constantFrom('n0', 'n1'),
      state: fc.constantFrom('Assigned', 'Created'),
    })
    .map((fields) => {
      const view = assigned(fields);
      return { kind: 'assigned' as const, key: `${view.namespace}/${view.name}`, view };
    }),
);

/** Each namespace has a pod with an AzureAssignedIdentity, allowed or not. */
const beginning: readonly Change[] = namespaces.flatMap((namespace) => {
  const spec = { type: 0, resourceID: idOf('r0') };
  const [of, by] = [
    identity({ namespace, name: 'i0', spec }),
    binding({ namespace, azureIdentity: 'i0', selector: 's0' }),
  ];
  const record = assigned({
    podNamespace: namespace,
    podName: 'p0',
    identity: { namespace, name: 'i0', spec },
    node: 'n0',
  });
  const owner = pod({ namespace, name: 'p0', node: 'n0', label: 's0', serviceAccount: 'web' });
  return [
    { kind: 'identity', key: of.key, view: of },
    { kind: 'binding', key: by.key, view: by },
    { kind: 'pod', key: `${namespace}/p0`, view: owner },
    { kind: 'assigned', key: `${record.namespace}/${record.name}`, view: record },
  ];
});

class World {
  readonly #mode: AccessMode;
  readonly #book = new PairRegistry<AccessGroup>({ pairsPerNamespace: 1_000, recheckMs });
  readonly index: ClusterIndex;
  readonly records = new Records();
  readonly #objects = new Map<string, Change>();
  /** What was answered so far about each pair that some pod needs. */
  #known = new Map<string, PairState>();
  #now = 0;

  constructor(mode: AccessMode) {
    this.#mode = mode;
    this.index = new ClusterIndex({ forceNamespaced: false }, { mode, registry: this.#book });
    for (const [name, id] of Object.entries(providerIds))
      this.change({ kind: 'node', key: name, view: node(name, id) });
    for (const change of beginning) this.change(change);
  }

  change(change: Change): void {
    applyTo(this, change);
    const before = this.modeOf(change.key);
    this.#objects.set(`${change.kind} ${change.key}`, change);
    if (change.kind === 'namespace' && this.modeOf(change.key) !== before) this.#doubtDenials(change.key);
    this.#forgetUnneeded();
  }

  /** Gives the answers to the due pairs, one for each pair. */
  answer(answers: readonly NamesReview[]): void {
    this.#now += recheckMs;
    for (const answer of answers) {
      const pair = this.#book.next(this.#now);
      if (!pair) return;
      const key = pairKey(`${pair.subject.namespace}/${pair.subject.name}`, accessTargetKey(pair.target));
      const moment = { now: this.#now, chance: 0.5 };
      this.#known.set(
        key,
        foldReview(this.#known.get(key) ?? unreviewed, answer, { ...moment, soonPairs: 0, recheckMs }),
      );
      this.index.rightsChanged(this.#book.record(pair, answer, moment));
    }
  }

  /** In any order: each of its objects is an event of its own. */
  deleteNamespace(namespace: string): void {
    for (const { kind, key } of [...this.#objects.values()])
      if (kind !== 'node' && (key === namespace || key.startsWith(`${namespace}/`)))
        this.change({ kind, key, view: undefined });
  }

  endTerm(): void {
    this.index.rightsChanged(this.#book.forget());
    this.#known = new Map();
  }

  modeOf(namespace: string): AccessMode {
    const change = this.#objects.get(`namespace ${namespace}`);
    return strictestMode(this.#mode, change?.kind === 'namespace' ? change.view?.access : undefined);
  }

  pods(): PodView[] {
    return [...this.#objects.values()].flatMap((change) =>
      change.kind === 'pod' && change.view ? change.view : [],
    );
  }

  /** The pod's matches, whoever may use them, from an index of its own. */
  matches({ namespace, bindingLabel }: PodView): readonly MatchedIdentity[] {
    const fresh = new ClusterIndex({ forceNamespaced: this.modeOf(namespace) === 'rbac' });
    for (const change of this.#objects.values()) if (change.kind !== 'assigned') fresh.apply(change);
    return fresh.matchSet(namespace, bindingLabel).matches;
  }

  verdictOf(view: PodView, { identity: of }: MatchedIdentity): PairVerdict {
    if (this.modeOf(view.namespace) !== 'rbac') return 'allowed';
    const { targets, problem } = targetsOf(of);
    if (problem !== undefined) return 'denied';
    const verdicts = targets.map((target) =>
      this.#known.get(pairKey(accountOf(view), accessTargetKey(target))),
    );
    if (verdicts.some((state) => state?.verdict === 'denied')) return 'denied';
    return verdicts.every((state) => state?.verdict === 'allowed') ? 'allowed' : 'unknown';
  }

  /** Where another mode counts, denials are asked again before they have consequences. */
  #doubtDenials(namespace: string): void {
    const isDoubted = ([key, { verdict }]: readonly [string, PairState]) =>
      verdict === 'denied' && key.startsWith(`${namespace}/`);
    this.#known = new Map([...this.#known].filter((known) => !isDoubted(known)));
  }

  #forgetUnneeded(): void {
    const needed = new Set(
      this.pods()
        .filter((view) => isLive(view) && this.modeOf(view.namespace) !== 'namespace')
        .flatMap((view) =>
          this.matches(view).flatMap(({ identity: of }) =>
            targetsOf(of).targets.map((target) => pairKey(accountOf(view), accessTargetKey(target))),
          ),
        ),
    );
    this.#known = new Map([...this.#known].filter(([key]) => needed.has(key)));
  }
}

const pairKey = (account: string, target: string) => `${account} ${target}`;
const accountOf = ({ namespace, serviceAccount }: PodView) => `${namespace}/${serviceAccount}`;
const isLive = ({ finished, nodeName }: PodView) => !finished && nodeName !== '';

function checkCounts(world: World): void {
  world.index.settle();
  for (const host of hosts) {
    const here = world
      .pods()
      .filter((view) => isLive(view) && world.index.nodeHost(view.nodeName).host?.id === host.id);
    const counted = (verdicts: readonly PairVerdict[]) => {
      const ids = here.flatMap((view) => [
        ...new Set(
          world
            .matches(view)
            .filter((match) => verdicts.includes(world.verdictOf(view, match)))
            .flatMap(({ resourceId }) => resourceId ?? []),
        ),
      ]);
      return new Map([...new Set(ids)].map((id) => [id, ids.filter((other) => other === id).length]));
    };
    expect(sorted(world.index.need(host.id))).toEqual(sorted(counted(['allowed', 'unknown'])));
    expect(sorted(world.index.granted(host.id))).toEqual(sorted(counted(['allowed'])));
  }
}

const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1));

/** MIC attached r0 and r1 long ago. */
const carried = hosts.map((host) => facts(host, ['r0', 'r1'], { oursNames: ['r0', 'r1'] }));

function checkPlans(world: World): void {
  const views = new Map(world.pods().map((view) => [`${view.namespace}/${view.name}`, view]));
  const verdict = (podKey: string, identityKey: string): PairVerdict | undefined => {
    const view = views.get(podKey);
    const match = view && isLive(view) && world.matches(view).find((one) => one.identityKey === identityKey);
    return match ? world.verdictOf(view, match) : undefined;
  };
  for (const known of [...carried, ...hosts.map((host) => facts(host))]) {
    const { id } = known.host;
    const idle = new Map([...known.ours.keys()].map((one) => [one, now - 10 * recheckMs]));
    const moment = { facts: { ...known, idleSince: idle }, now, rules, records: world.records };
    const { attach, renew, detach, read, steps } = planHost(world.index, id, {
      ...moment,
      dirtyPods: podsWith(world, id),
    });
    expect([...attach, ...renew].every((one) => world.index.granted(id).has(one))).toBe(true);
    expect(detach.some((one) => world.index.need(id).has(one))).toBe(false);
    if (known.ours.size === 0 && world.index.granted(id).size === 0) expect(read).toBe(false);
    for (const step of steps) {
      if (step.kind === 'delete') expect(verdict(podKeyOf(step), step.current.identity)).not.toBe('unknown');
      else {
        const { namespace = '', name } = step.assignment.identity.metadata;
        expect(verdict(podKeyOf(step), `${namespace}/${name}`)).toBe('allowed');
      }
    }
  }
}

const steps = fc.oneof(
  { weight: 6, arbitrary: changes.map((change) => (world: World) => world.change(change)) },
  {
    weight: 3,
    arbitrary: fc
      .array(anyAnswer, { minLength: 1, maxLength: 8 })
      .map((list) => (world: World) => world.answer(list)),
  },
  { weight: 1, arbitrary: fc.constant((world: World) => world.endTerm()) },
  {
    weight: 1,
    arbitrary: anyNamespace.map((namespace) => (world: World) => world.deleteNamespace(namespace)),
  },
);

test('whatever happened: needs are what is allowed or unknown, grants what is allowed, and plans touch nothing that is unknown', () => {
  fc.assert(
    fc.property(fc.constantFrom(...accessModes), fc.array(steps, { maxLength: 25 }), (mode, history) => {
      const world = new World(mode);
      for (const step of history) {
        step(world);
        checkCounts(world);
        checkPlans(world);
      }
    }),
    { numRuns: 100 },
  );
});
