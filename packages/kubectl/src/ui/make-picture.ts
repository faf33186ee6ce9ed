// The picture of a cluster. The states and the words of things are those of `status`.
import { createHash } from 'node:crypto';
import type { IdentityView, PodView } from '../../../mic/src/commands/plug-in.ts';
import { bindingRow, createPodRow, hostRows, identityRow, type Judging } from '../status/object-rows.ts';
import type { Row } from '../status/row.ts';
import { grantsOf, type Grant } from './grants.ts';
import { createLineSet, type LineSet } from './line-set.ts';
import { worse } from './page/words.ts';
import type { Picture, State, Thing } from './picture.ts';

export interface Seen extends Judging {
  /** The brokers of federated identities, as `status` shows them. */
  readonly brokers: readonly Row[];
}

/** A pod, and what bindings give it. */
interface PodPart {
  readonly pod: PodView;
  readonly row: Row;
  readonly grants: readonly Grant[];
  readonly thing: Thing;
}

/** What was made of each pod, by its key; undefined for one that is not shown. */
type Judged = ReadonlyMap<string, { readonly pod: PodView; readonly part: PodPart | undefined }>;

/** For the next picture. */
export interface Kept {
  readonly seen: Seen;
  readonly judged: Judged;
}

export interface Made extends Pick<Picture, 'things' | 'lines' | 'unknown'> {
  readonly kept: Kept;
}

/**
 * `kept`: of the picture before. With it pods are judged again only if they are among `changed`, if their views are others, or if an identity
 * or a binding is another one: most changes are of pods alone.
 */
export function makePicture(seen: Seen, changed?: ReadonlySet<string>, kept?: Kept): Made {
  const { world } = seen;
  const identities = world.identities.map((reported) => ({
    view: reported.view,
    row: identityRow(reported, seen),
  }));
  const refused = identities.filter(({ row }) => row.state === 'problem');
  const judged = judgePods(seen, new Set(refused.map(({ view: { key } }) => key)), {
    changed,
    before: kept && isAlike(kept.seen, seen) ? kept.judged : undefined,
  });
  const parts = [...judged.values()].flatMap(({ part }) => part ?? []);
  const lines = createLineSet();
  for (const part of parts) drawPod(part, seen, lines);
  const hosts = hostRows(
    world,
    parts.map(({ row }) => row),
  );
  const things = [
    ...accountThings(parts),
    ...parts.map(({ thing }) => thing),
    ...world.bindings.map(({ view }) => thingOf('binding', bindingRow(view, world), lines)),
    ...identities.map(({ view, row }) => identityThing(view, thingOf('identity', row, lines))),
    ...hosts.map(({ host, row }) => hostThing(`host:${host.id}`, row, lines)),
    ...seen.brokers.map((row) => hostThing(brokerId(row), row, lines)),
  ];
  return {
    things: things.filter(isShown(seen, lines)).map(shortened),
    lines: lines.all(),
    unknown: lines.unknown(),
    kept: { seen, judged },
  };
}

interface Reusing {
  readonly changed: ReadonlySet<string> | undefined;
  readonly before: Judged | undefined;
}

function judgePods(seen: Seen, refused: ReadonlySet<string>, { changed, before }: Reusing): Judged {
  const rowOf = createPodRow(seen);
  const isRefused = (key: string) => refused.has(key);
  return new Map(
    seen.world.pods.map((pod) => {
      const key = `${pod.namespace}/${pod.name}`;
      const known = before?.get(key);
      if (known?.pod === pod && changed?.has(key) === false) return [key, known];
      const row = rowOf(pod);
      const grants = row ? grantsOf(pod, { ...seen, podState: states[row.state], isRefused }) : [];
      return [key, { pod, part: row && { pod, row, grants, thing: podThing(pod, row, grants) } }];
    }),
  );
}

/** Whether pods are judged by the same. Views are never changed: another version of an object has another one. */
function isAlike(one: Seen, other: Seen): boolean {
  const objects = ({ world: { identities, bindings } }: Seen) => [...identities, ...bindings];
  const [before, after] = [objects(one), objects(other)];
  return (
    one.hasMic === other.hasMic &&
    one.world.hasRecords === other.world.hasRecords &&
    before.length === after.length &&
    before.every(({ view }, position) => view === after[position]?.view)
  );
}

/** Of other namespaces only what the pods of this one use. */
function isShown({ namespace }: Seen, lines: LineSet): (thing: Thing) => boolean {
  return (thing) => namespace === undefined || thing.namespace === namespace || lines.has(thing.id);
}

/** Longer than a sentence. What MIC says of one identity, or somebody in its place, may concern each of thousands of pods. */
const mostAbout = 500;

function shortened(thing: Thing): Thing {
  const { about } = thing;
  return about.length <= mostAbout
    ? thing
    : { ...thing, about: `${about.slice(0, mostAbout).toWellFormed()} …` };
}

const states: Readonly<Record<Row['state'], State>> = {
  ok: 'ready',
  waiting: 'waiting',
  unknown: 'waiting',
  problem: 'refused',
};

const brokerId = ({ namespace, name }: Row): string => `broker:${namespace}/${name}`;

function drawPod({ pod, row, grants }: PodPart, { world, brokers }: Seen, lines: LineSet): void {
  const { index } = world;
  const id = `pod:${pod.namespace}/${pod.name}`;
  if (pod.serviceAccount !== '') lines.add(accountId(pod), id, podState(row, grants));
  const { host } = index.nodeHost(pod.nodeName);
  for (const { binding, identity, state, needsHost } of grants) {
    if (index.objects.binding(binding) === undefined) continue;
    lines.add(id, `binding:${binding}`, state);
    const view = index.objects.identity(identity);
    if (view === undefined) continue;
    lines.add(`binding:${binding}`, `identity:${identity}`, state);
    if (needsHost && host && world.nodes !== undefined)
      lines.add(`identity:${identity}`, `host:${host.id}`, state);
    if (typeOf(view) === 'federated')
      for (const broker of brokers) lines.add(`identity:${identity}`, brokerId(broker), state);
  }
}

const accountId = ({ namespace, serviceAccount }: PodView): string =>
  `serviceAccount:${namespace}/${serviceAccount}`;

const podState = ({ state }: Row, grants: readonly Grant[]): State =>
  state === 'ok' && grants.length === 0 ? 'unused' : states[state];

function podThing({ namespace, name, serviceAccount }: PodView, row: Row, grants: readonly Grant[]): Thing {
  const state = podState(row, grants);
  const bindings = [...new Set(grants.map(({ binding }) => binding))].sort();
  return {
    id: `pod:${namespace}/${name}`,
    column: 'pod',
    namespace,
    name,
    state,
    about: state === 'ready' ? '' : row.about,
    group: digestOf([namespace, serviceAccount, ownerOf(name), state, ...bindings]),
  };
}

/** Each pod has one, and a hundred bindings have long names. */
const digestOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** As Deployments, DaemonSets, StatefulSets and Jobs name their pods; MIC's views of pods have no owners. */
const ownerOf = (name: string): string => name.replace(/(?:(?:-[0-9a-z]{6,10})?-[0-9a-z]{5}|-\d+)$/, '');

/** Each is as its pod that needs attention most. */
function accountThings(parts: readonly PodPart[]): readonly Thing[] {
  const things = new Map<string, Thing>();
  for (const { pod, row, grants } of parts) {
    const { namespace, name: podName, serviceAccount: name } = pod;
    const [id, state] = [accountId(pod), podState(row, grants)];
    const before = things.get(id);
    if (name === '' || before?.state === worse(before?.state ?? 'unused', state)) continue;
    const about = state === 'ready' || state === 'unused' ? '' : `pod ${podName}: ${row.about}`;
    things.set(id, { id, column: 'serviceAccount', namespace, name, state, about });
  }
  return [...things.values()];
}

function thingOf(column: 'binding' | 'identity', row: Row, lines: LineSet): Thing {
  const { namespace, name } = row;
  const id = `${column}:${namespace}/${name}`;
  return { id, column, namespace, name, ...stateIn(row, lines.has(id)) };
}

function stateIn({ state, about }: Row, isUsed: boolean): Pick<Thing, 'state' | 'about'> {
  if (state !== 'ok') return { state: states[state], about };
  return isUsed ? { state: 'ready', about: '' } : { state: 'unused', about };
}

function hostThing(id: string, row: Row, lines: LineSet): Thing {
  const name = row.name === '' ? row.kind : row.name;
  return { id, column: 'host', namespace: undefined, name, ...stateIn(row, lines.has(id)) };
}

function identityThing(view: IdentityView, thing: Thing): Thing {
  const type = typeOf(view);
  return type === undefined ? thing : { ...thing, type };
}

const types = ['managed', 'service principal', 'certificate', 'federated'] as const;

/** Undefined for an invalid one. */
function typeOf(view: IdentityView): Thing['type'] {
  return view.kind === 'valid' ? types[view.identity.spec.type] : undefined;
}
