// The picture of a cluster. The states and the words of things are those of `status`.
import { createHash } from 'node:crypto';
import type { IdentityView } from '../../../mic/src/commands/plug-in.ts';
import { bindingRow, hostRows, identityRow, type StatusInput } from '../status/object-rows.ts';
import type { Row } from '../status/row.ts';
import type { BoundIdentity } from './bound-identities.ts';
import { pictureStates, type JudgedPod } from './judge.ts';
import { createLineSet, type LineSet } from './line-set.ts';
import { worse } from './page/words.ts';
import type { Picture, State, Thing } from './picture.ts';

export interface PictureInput extends StatusInput {
  /** The brokers of federated identities, as `status` shows them. */
  readonly brokers: readonly Row[];
}

/** `parts`: of the pods of the same cluster, as they were judged last. */
export function makePicture(
  seen: PictureInput,
  parts: readonly JudgedPod[],
): Pick<Picture, 'things' | 'lines' | 'unknown'> {
  const { cluster } = seen;
  const lines = createLineSet();
  const drawPod = createDrawing(seen, lines);
  for (const part of parts) drawPod(part);
  const hosts = hostRows(
    cluster,
    parts.map(({ row }) => row),
  );
  const things = [
    ...accountThings(parts),
    ...parts.map(podThing),
    ...cluster.bindings.map(({ view }) => {
      const names = view.kind === 'valid' ? cluster.index.objects.identity(view.identityKey) : undefined;
      return thingOf('binding', bindingRow(view, cluster), { lines, isOpen: isOpen(names, seen) });
    }),
    ...cluster.identities.map((reported) => {
      const { view, ready } = reported;
      const mayBeUsed = isOpen(view, seen) && ready?.reason !== 'NotInUse';
      return identityThing(
        view,
        thingOf('identity', identityRow(reported, seen), { lines, isOpen: mayBeUsed }),
      );
    }),
    ...hosts.map(({ host, row }) => hostThing(`host:${host.id}`, row, lines)),
    ...seen.brokers.map((row) => hostThing(brokerId(row), row, lines)),
  ];
  return {
    things: things.filter(isShown(seen, lines)).map(shortened),
    lines: lines.all(),
    unknown: lines.unknown(),
  };
}

/** Whether pods that are not read may use the identity: those of other namespaces. */
function isOpen(view: IdentityView | undefined, { namespace, cluster: { index } }: PictureInput): boolean {
  if (namespace === undefined || view?.kind !== 'valid') return false;
  return !index.rules.forceNamespaced || view.identity.spec.allowedNamespaces !== undefined;
}

/** Of other namespaces only what the pods of this one use. */
function isShown({ namespace }: PictureInput, lines: LineSet): (thing: Thing) => boolean {
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

const brokerId = ({ namespace, name }: Row): string => `broker:${namespace}/${name}`;

/** Draws the lines of a pod. It may have been judged before what it names was removed. Ids are made once: there are many lines. */
function createDrawing({ cluster, brokers }: PictureInput, lines: LineSet): (part: JudgedPod) => void {
  const { index } = cluster;
  const bindings = new Map(cluster.bindings.map(({ view: { key } }) => [key, `binding:${key}`]));
  const identities = new Map(
    cluster.identities.map(({ view }) => [view.key, { id: `identity:${view.key}`, type: typeOf(view) }]),
  );
  const hosts = new Map<string, string>();
  const hostOf = (node: string) => {
    const { host } = index.nodeHost(node);
    if (host === undefined || cluster.nodes === undefined) return undefined;
    const id = hosts.get(host.id) ?? `host:${host.id}`;
    hosts.set(host.id, id);
    return id;
  };
  return ({ id, account, pod, row, bound }) => {
    if (account !== '') lines.add(account, id, podState(row, bound));
    const host = hostOf(pod.nodeName);
    for (const { binding, identity, state, needsHost } of bound) {
      const via = bindings.get(binding);
      if (via === undefined) continue;
      lines.add(id, via, state);
      const end = identities.get(identity);
      if (end === undefined) continue;
      lines.add(via, end.id, state);
      if (needsHost && host !== undefined) lines.add(end.id, host, state);
      if (end.type === 'federated') for (const broker of brokers) lines.add(end.id, brokerId(broker), state);
    }
  };
}

const podState = ({ state }: Row, bound: readonly BoundIdentity[]): State =>
  state === 'ok' && bound.length === 0 ? 'unused' : pictureStates[state];

/** Most pods are the same from picture to picture. */
const podThings = new WeakMap<JudgedPod, Thing>();

function podThing(part: JudgedPod): Thing {
  const known = podThings.get(part) ?? makePodThing(part);
  podThings.set(part, known);
  return known;
}

function makePodThing({ id, pod, row, bound }: JudgedPod): Thing {
  const { namespace, name, serviceAccount } = pod;
  const state = podState(row, bound);
  const bindings = [...new Set(bound.map(({ binding }) => binding))].sort();
  return {
    id,
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
function accountThings(parts: readonly JudgedPod[]): readonly Thing[] {
  const things = new Map<string, Thing>();
  for (const { account: id, pod, row, bound } of parts) {
    const { namespace, name: podName, serviceAccount: name } = pod;
    const state = podState(row, bound);
    const before = things.get(id);
    if (id === '' || before?.state === worse(before?.state ?? 'unused', state)) continue;
    const about = state === 'ready' || state === 'unused' ? '' : `pod ${podName}: ${row.about}`;
    things.set(id, { id, column: 'serviceAccount', namespace, name, state, about });
  }
  return [...things.values()];
}

interface Use {
  readonly lines: LineSet;
  /** Whether pods that are not read may use it. */
  readonly isOpen: boolean;
}

function thingOf(column: 'binding' | 'identity', row: Row, { lines, isOpen: mayBeUsed }: Use): Thing {
  const { namespace, name } = row;
  const id = `${column}:${namespace}/${name}`;
  const known = stateIn(row, lines.has(id));
  const isHidden = known.state === 'unused' && mayBeUsed;
  return { id, column, namespace, name, ...(isHidden ? hidden : known) };
}

const hidden: Pick<Thing, 'state' | 'about'> = {
  state: 'unknown',
  about: 'whether it is used is not known: pods of other namespaces, which may use it, are not read',
};

function stateIn({ state, about }: Row, isUsed: boolean): Pick<Thing, 'state' | 'about'> {
  if (state !== 'ok') return { state: pictureStates[state], about };
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
