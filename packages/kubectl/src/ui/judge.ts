// Judges pods one at a time, in the turns of their namespaces: a pod with a hundred bindings takes long, and its editor can have thousands.
import { Turns } from '@pod-identity/kit/core';
import type { PodView } from '../../../mic/src/commands/plug-in.ts';
import { keyOf } from '../cluster/fields.ts';
import { createPodRow, refusalsIn, type StatusInput } from '../status/object-rows.ts';
import type { Row } from '../status/row.ts';
import { boundIdentitiesOf, type BoundIdentity } from './bound-identities.ts';
import { differing } from './changes.ts';
import type { State } from './picture.ts';

/** A pod, and what bindings give it. */
export interface JudgedPod {
  /** Of its thing in the picture, and of that of its ServiceAccount; empty if it has none. */
  readonly id: string;
  readonly account: string;
  readonly pod: PodView;
  readonly row: Row;
  readonly bound: readonly BoundIdentity[];
}

export interface Judge {
  /** Takes the cluster as it is now; `changed`: the keys of pods that may be judged otherwise although they are the same. */
  update(seen: StatusInput, changed: ReadonlySet<string>): void;
  /** Judges the pod whose turn it is. Returns whether there was one. */
  next(): boolean;
  /** How many pods are still to be judged. */
  waiting(): number;
  /** Of the pods that are shown: as they were judged last. */
  parts(): readonly JudgedPod[];
}

/** `part`: undefined for a pod that is not shown. */
interface Known {
  readonly pod: PodView;
  readonly part: JudgedPod | undefined;
}

export const pictureStates: Readonly<Record<Row['state'], State>> = {
  ok: 'ready',
  waiting: 'waiting',
  unknown: 'unknown',
  problem: 'refused',
};

export function createJudge(): Judge {
  const due = createQueue();
  const known = new Map<string, Known>();
  let pods: ReadonlyMap<string, PodView> = new Map();
  /** Those that MIC's index has not settled yet: it reports them as changed then. */
  let stale = new Set<string>();
  let seen: StatusInput | undefined;
  let judgePod: (pod: PodView) => JudgedPod | undefined = () => undefined;

  const isStale = (key: string) => seen?.cluster.index.putOff(key) === true;
  return {
    update(next, changed) {
      const isTouched = touchedBetween(seen, next);
      seen = next;
      judgePod = createJudging(next);
      pods = new Map(next.cluster.pods.map((pod) => [keyOf(pod), pod]));
      for (const key of known.keys()) if (!pods.has(key)) known.delete(key);
      stale = new Set();
      for (const [key, pod] of pods) {
        const before = known.get(key);
        const isSame = before?.pod === pod && !changed.has(key) && !isTouched(before);
        if (isStale(key)) stale.add(key);
        else if (!isSame) due.add(pod);
      }
    },
    next() {
      const key = due.take();
      if (key === undefined) return false;
      const pod = pods.get(key);
      if (pod === undefined) return true;
      if (isStale(key)) stale.add(key);
      else known.set(key, { pod, part: judgePod(pod) });
      return true;
    },
    waiting: () => due.size() + stale.size,
    parts: () =>
      Array.from(pods, ([key, pod]) => (known.get(key) ?? unjudgedOf(pod)).part).filter(
        (part) => part !== undefined,
      ),
  };
}

/** Pods in the turns of their namespaces, each once. */
function createQueue() {
  const turns = new Turns<{ readonly key: string }, 'pod'>({ pod: {} });
  const due = new Set<string>();
  return {
    add(pod: PodView): void {
      const key = keyOf(pod);
      if (due.has(key)) return;
      due.add(key);
      turns.add('pod', { namespace: pod.namespace, pod: pod.name }, { key });
    },
    take(): string | undefined {
      const key = turns.next()?.item.key;
      if (key !== undefined) due.delete(key);
      return key;
    },
    size: () => due.size,
  };
}

/** The same for each picture of a round. */
const unjudged = new WeakMap<PodView, Known>();

function unjudgedOf(pod: PodView): Known {
  const made = unjudged.get(pod) ?? makeUnjudged(pod);
  unjudged.set(pod, made);
  return made;
}

/** Of those that have no label most turn out to need nothing. */
function makeUnjudged(pod: PodView): Known {
  const { namespace, name, nodeName: node } = pod;
  const row = { kind: 'pod', namespace, name, node, state: 'unknown', about: 'it is being judged' } as const;
  const isShown = !pod.finished && pod.isUnlabelled !== true;
  return { pod, part: isShown ? partOf(pod, row, []) : undefined };
}

function partOf(pod: PodView, row: Row, bound: readonly BoundIdentity[]): JudgedPod {
  const { namespace, serviceAccount } = pod;
  const account = serviceAccount === '' ? '' : `serviceAccount:${namespace}/${serviceAccount}`;
  return { id: `pod:${keyOf(pod)}`, account, pod, row, bound };
}

function createJudging(seen: StatusInput): (pod: PodView) => JudgedPod | undefined {
  const rowOf = createPodRow(seen);
  const refusalFor = refusalsIn(seen.cluster);
  return (pod) => {
    const row = rowOf(pod);
    return (
      row &&
      partOf(pod, row, boundIdentitiesOf(pod, { ...seen, podState: pictureStates[row.state], refusalFor }))
    );
  };
}

/** Which pods are judged otherwise by what MIC's index does not report: conditions, invalid bindings, and the services. */
function touchedBetween(before: StatusInput | undefined, after: StatusInput): (known: Known) => boolean {
  if (before?.hasMic !== after.hasMic || before.cluster.hasRecords !== after.cluster.hasRecords)
    return () => true;
  const identities = new Set(otherKeys(before.cluster.identities, after.cluster.identities));
  const invalid = new Set(
    [before, after].flatMap(({ cluster: { bindings } }) =>
      bindings.flatMap(({ view }) => (view.kind === 'invalid' ? view.key : [])),
    ),
  );
  const others = otherKeys(before.cluster.bindings, after.cluster.bindings).filter((key) => invalid.has(key));
  const namespaces = new Set(others.map((key) => key.slice(0, key.indexOf('/'))));
  return ({ pod: { namespace, nodeName }, part }) =>
    namespaces.has(namespace) ||
    (before.agentFault !== after.agentFault && before.agentFault(nodeName) !== after.agentFault(nodeName)) ||
    (identities.size > 0 && part?.bound.some(({ identity }) => identities.has(identity)) === true);
}

type Objects = readonly { readonly view: { readonly key: string }; readonly ready: unknown }[];

/** Views and conditions are never changed: another version of an object has others. */
function otherKeys(before: Objects, after: Objects): readonly string[] {
  const { news, gone } = differing(before, after, {
    keyOf: ({ view }) => view.key,
    isSame: (one, other) => one.view === other.view && one.ready === other.ready,
  });
  return [...news, ...gone].map(({ view }) => view.key);
}
