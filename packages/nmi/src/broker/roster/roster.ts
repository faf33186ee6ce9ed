// Room: the replicas of the broker, as agents know them: each replica's own certificate, and the ConfigMap that names all.
// It must not know tokens, identities or who requests one.
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import {
  coreKinds,
  createResource,
  KubeError,
  wholeObject,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { OwnCertificate } from './certificate.ts';
import { mostEntries, readEntries, rosterName, writeEntry } from './entry.ts';
import { nextData, type RosterData } from './next-data.ts';

export interface RosterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** The pod of this replica. */
  readonly pod: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly address: string;
  };
  readonly port: number;
  /** From now on the listener must present this one: agents trust it already. */
  readonly onRenewed: (next: OwnCertificate) => void;
}

export interface Roster {
  /** For the listener to begin with. */
  readonly first: OwnCertificate;
  /** Whether agents had time to see the entry: only then may this replica count as ready. */
  isSeen(): boolean;
  /**
   * Keeps the entry in the ConfigMap until the signal aborts, then removes it and resolves: the listener should go on for some seconds
   * after that.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** A wiped entry is back after so long. */
const checkMs = 5_000;
/** How long it takes an agent's watch to see a change: as a rule milliseconds. */
const agentsMs = 15_000;
/** A pod that is killed costs each NMI a failed connection until then. */
const pruneMs = 60_000;
/** Of the time that a pod has for its end. */
const leaveMs = 3_000;

interface Own {
  /** What the listener presents. */
  current: OwnCertificate;
  next: OwnCertificate | undefined;
  madeAt: number;
  /** What is in the ConfigMap, and since when. */
  published: { readonly value: string; readonly at: number } | undefined;
  isSeen: boolean;
}

interface Certificates {
  readonly create: (name: string, now: number) => OwnCertificate | Promise<OwnCertificate>;
  readonly renewMs: number;
}

const certificates: Certificates = { create: createLazily, renewMs: 20 * 24 * 60 * 60_000 };

export async function createRoster(
  options: RosterOptions,
  { create, renewMs }: Certificates = certificates,
): Promise<Roster> {
  const { clock, pod, log, random } = options;
  const make = async () => create(pod.name, clock.now());
  const first = await make();
  const own: Own = {
    current: first,
    next: undefined,
    madeAt: clock.elapsed(),
    published: undefined,
    isSeen: false,
  };
  const writer = createWriter(options);

  const step = async (signal: AbortSignal) => {
    if (clock.elapsed() - own.madeAt >= renewMs)
      Object.assign(own, { next: await make(), madeAt: clock.elapsed() });
    const value = entryOf(own, options);
    const isWritten = await writer.write(value, signal);
    if (isWritten || own.published?.value !== value) own.published = { value, at: clock.elapsed() };
    if (clock.elapsed() - own.published.at < agentsMs) return;
    own.isSeen = true;
    if (own.next) {
      options.onRenewed(own.next);
      Object.assign(own, { current: own.next, next: undefined });
    }
  };

  return {
    first,
    isSeen: () => own.isSeen,
    async run(signal) {
      const pauses = createBackoff({ baseMs: 500, capMs: checkMs, random });
      while (!signal.aborted) {
        const problem = await step(signal).then(() => undefined, problemOf);
        if (problem === undefined) pauses.reset();
        else log.warn({ error: problem }, `cannot keep the entry in ConfigMap ${rosterName}`);
        await clock.sleep(problem === undefined ? checkMs : pauses.next(), signal).catch(() => undefined);
      }
      await leave(writer, clock);
    },
  };
}

async function createLazily(name: string, now: number): Promise<OwnCertificate> {
  const { createCertificate } = await import('./certificate.ts');
  return createCertificate(name, now);
}

/** With both certificates while agents get to know the next one. */
function entryOf({ current, next }: Own, { pod: { uid, address }, port }: RosterOptions): string {
  const certificates = [...(next ? [next] : []), current].map(({ certificate }) => certificate);
  return writeEntry({ uid, address, port, certificates });
}

interface ConfigMap {
  readonly metadata?: object;
  readonly data?: RosterData;
}

/** Writes the own entry (undefined: removes it) and removes those of pods that are gone. */
function createWriter({ transport, clock, pod: { namespace, name } }: RosterOptions) {
  const maps = createResource<ConfigMap>(transport, coreKinds.configMaps);
  const isGone = createPodCheck(transport, namespace);
  let pruneAt = -Infinity;

  const findGone = async (data: RosterData, signal: AbortSignal): Promise<ReadonlySet<string>> => {
    if (clock.elapsed() < pruneAt) return new Set();
    pruneAt = clock.elapsed() + pruneMs;
    const entries = readEntries(data);
    const names = Object.keys(data).slice(0, mostEntries);
    const checked = names.map(async (other) =>
      (await isGone(other, entries.get(other)?.uid, signal)) ? other : '',
    );
    return new Set(await Promise.all(checked));
  };

  return {
    /** Whether that was needed. */
    async write(value: string | undefined, signal: AbortSignal): Promise<boolean> {
      const map = await maps.get({ namespace, name: rosterName }, { fields: wholeObject, signal });
      const { data = {} } = map;
      const gone = await findGone(data, signal);
      const next = nextData(data, { name, value }, gone);
      if (!next) return false;
      await maps.replace({ ...map, data: next }, { signal, fields: { members: {} } });
      return true;
    },
  };
}

type Writer = ReturnType<typeof createWriter>;

interface Pod {
  readonly metadata?: { readonly uid?: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly phase?: string };
}

/** A pod that was evicted, or whose node is lost, removes no entry, and its object stays; its address may be that of another pod. */
const ended: ReadonlySet<string | undefined> = new Set(['Succeeded', 'Failed']);

function createPodCheck(transport: KubeTransport, namespace: string) {
  const pods = createResource<Pod>(transport, coreKinds.pods);
  const small = { upTo: 256 };
  const fields = {
    members: {
      metadata: { members: { uid: small, deletionTimestamp: small } },
      status: { members: { phase: small } },
    },
  };
  return async (name: string, uid: string | undefined, signal: AbortSignal): Promise<boolean> => {
    try {
      const { metadata, status } = await pods.get({ namespace, name }, { fields, signal });
      const isEnding = metadata?.deletionTimestamp !== undefined || ended.has(status?.phase);
      return isEnding || (uid !== undefined && metadata?.uid !== uid);
    } catch (error) {
      return error instanceof KubeError && error.code === 'not-found';
    }
  };
}

/** A conflict with another replica is tried again; if all fails, the others remove the entry when the pod is gone. */
async function leave(writer: Writer, clock: Clock): Promise<void> {
  const ending = new AbortController();
  const timer = clock.after(leaveMs, () => ending.abort());
  for (let attempts = 3; attempts > 0; attempts -= 1) {
    const isDone = await writer.write(undefined, ending.signal).then(
      () => true,
      () => false,
    );
    if (isDone || ending.signal.aborted) break;
  }
  timer.cancel();
}

/** Undefined if it was ended. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof KubeError && error.code === 'aborted') return undefined;
  return error instanceof Error ? error.message : String(error);
}
