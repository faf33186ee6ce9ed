// Pictures of worlds at random, and the changes between them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClusterIndex, Records, type NodeView } from '../../../mic/src/commands/plug-in.ts';
import { aBinding, anIdentity, aNamespace, aPod } from '../../../mic/src/snapshot/test/random-changes.ts';
import type { ReadyCondition, ClusterView } from '../cluster/cluster-view.ts';
import { changeBetween } from './changes.ts';
import { createJudge } from './judge.ts';
import { makePicture, type PictureInput } from './make-picture.ts';
import { followChanges, lineKey } from './page/apply-changes.ts';
import type { Picture, Thing } from './picture.ts';

const node: NodeView = {
  name: 'node-0',
  providerId: 'azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0',
};
const changes = fc.array(fc.oneof(aBinding, anIdentity, aPod, aPod, aNamespace), {
  minLength: 5,
  maxLength: 60,
  size: 'max',
});
const ready = fc.option(
  fc.record<ReadyCondition>({
    status: fc.constantFrom('True', 'False', 'Unknown'),
    reason: fc.constantFrom('R', 'ClientIDMismatch', 'NotInUse'),
    message: fc.constantFrom('fine', 'Azure refused it.\nrun: az'),
    isOutdated: fc.boolean(),
  }),
  { nil: undefined },
);

interface Settings {
  readonly ready: ReadyCondition | undefined;
  readonly hasNodes: boolean;
  readonly hasMic: boolean;
  readonly hasBroker: boolean;
  readonly hasAgent: boolean;
  readonly namespace: string | undefined;
}
const settingsArbitrary: fc.Arbitrary<Settings> = fc.record({
  ready,
  hasNodes: fc.boolean(),
  hasMic: fc.boolean(),
  hasBroker: fc.boolean(),
  hasAgent: fc.boolean(),
  namespace: fc.constantFrom(undefined, 'shop'),
});

function clusterOf(index: ClusterIndex, podKeys: Iterable<string>, settings: Settings): ClusterView {
  const keys = index.settle().objects.keys();
  const isShown = (key: string) =>
    settings.namespace === undefined || key.startsWith(`${settings.namespace}/`);
  return {
    index,
    records: new Records(),
    pods: [...podKeys].filter(isShown).flatMap((key) => index.pod(key) ?? []),
    identities: [...keys.identities].map((key) => ({
      view: index.objects.identity(key)!,
      ready: settings.ready,
    })),
    bindings: [...keys.bindings].map((key) => ({ view: index.objects.binding(key)!, ready: undefined })),
    nodes: settings.hasNodes ? [node] : undefined,
    hasRecords: true,
    hasObjects: true,
    unknown: [],
  };
}

const broker = {
  kind: 'broker',
  namespace: 'b',
  name: 'broker',
  state: 'ok',
  about: '1 of 1 ready',
} as const;

interface Step {
  readonly changes: readonly Parameters<ClusterIndex['apply']>[0][];
  readonly settings: Settings;
}

/** Of everything seen for the first time. */
function madeAfresh(seen: PictureInput) {
  const judge = createJudge();
  judge.update(seen, new Set());
  while (judge.next());
  return makePicture(seen, judge.parts());
}

function picturesOf(steps: readonly Step[]): readonly Picture[] {
  const index = new ClusterIndex({ forceNamespaced: false });
  index.apply({ kind: 'node', key: node.name, view: node });
  const pods = new Set<string>();
  const judge = createJudge();
  return steps.map(({ changes: some, settings }, number): Picture => {
    for (const change of some) {
      index.apply(change);
      if (change.kind === 'pod') pods[change.view ? 'add' : 'delete'](change.key);
    }
    const { hasMic, hasBroker, hasAgent, namespace } = settings;
    const agentFault = () => (hasAgent ? undefined : 'NMI has no pod there');
    const seen = { cluster: clusterOf(index, pods, settings), namespace, hasMic, now: 0, agentFault };
    const all = { ...seen, brokers: hasBroker ? [broker] : [] };
    const changed = new Set([...index.dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]));
    judge.update(all, changed);
    while (judge.next());
    const { things, lines } = makePicture(all, judge.parts());
    // What was kept of the picture before makes no difference.
    const afresh = madeAfresh(all);
    expect([things, lines]).toEqual([afresh.things, afresh.lines]);
    const rest = { server: 's', namespace: undefined, unknown: [`${number}`], pending: judge.waiting() };
    return { number, takenAt: '', ...rest, things, lines };
  });
}

const byText = (items: readonly object[]): readonly string[] =>
  items.map((item) => JSON.stringify(item)).sort();

const columns = ['serviceAccount', 'pod', 'binding', 'identity', 'host'];

function expectWhole(things: Picture['things'], lines: Picture['lines']): void {
  const byId = new Map(things.map((thing) => [thing.id, thing]));
  expect(byId.size).toBe(things.length);
  expect(new Set(lines.map(lineKey)).size).toBe(lines.length);
  const place = (id: string) => columns.indexOf(byId.get(id)?.column ?? '');
  for (const { from, to } of lines) {
    expect(place(from)).toBeGreaterThanOrEqual(0);
    expect(place(to)).toBe(place(from) + 1);
  }
  const says = { ready: false, waiting: true, refused: true, unknown: true };
  for (const { state, about } of things) if (state !== 'unused') expect(about !== '').toBe(says[state]);
}

test('each line joins two things of neighbouring columns, ids are unique, and of a namespace nothing is shown that it does not use', () => {
  fc.assert(
    fc.property(changes, settingsArbitrary, (history, settings) => {
      const [{ things, lines } = { things: [], lines: [] }] = picturesOf([{ changes: history, settings }]);
      expectWhole(things, lines);
      const joined = new Set(lines.flatMap(({ from, to }) => [from, to]));
      const isShown = ({ id, namespace }: Thing) =>
        settings.namespace === undefined || namespace === settings.namespace || joined.has(id);
      expect(things.filter((thing) => !isShown(thing))).toEqual([]);
    }),
  );
});

test('a picture and the changes that follow are the next picture; equal pictures have none', () => {
  fc.assert(
    fc.property(
      fc.tuple(changes, changes),
      settingsArbitrary,
      settingsArbitrary,
      ([first, then], one, other) => {
        const settings = { ...other, namespace: one.namespace };
        const steps = [
          { changes: first, settings: one },
          { changes: then, settings },
        ];
        const [before, after] = picturesOf(steps) as [Picture, Picture];
        const change = changeBetween(before, after);
        const applied = followChanges(before)(change === undefined ? [] : [change]);
        expect(byText(applied.things)).toEqual(byText(after.things));
        expect(byText(applied.lines)).toEqual(byText(after.lines));
        expect(applied.unknown).toEqual(after.unknown);
        expect(changeBetween(after, { ...after, number: 9, takenAt: 'later' })).toBeUndefined();
      },
    ),
  );
});

test('what is kept from picture to picture, while objects, conditions and services change, makes no difference', () => {
  const few = fc.record({
    changes: fc.array(fc.oneof(aPod, aPod, aPod, aNamespace, anIdentity, aBinding), {
      minLength: 1,
      maxLength: 4,
    }),
    settings: settingsArbitrary,
  });
  fc.assert(
    fc.property(
      changes,
      fc.array(few, { minLength: 5, maxLength: 12 }),
      settingsArbitrary,
      (first, then, settings) => {
        // picturesOf compares each picture with one that is made afresh.
        const steps = then.map((step) => ({
          ...step,
          settings: { ...step.settings, namespace: settings.namespace },
        }));
        expect(picturesOf([{ changes: first, settings }, ...steps])).toHaveLength(then.length + 1);
      },
    ),
  );
});
