// Room: the replicas of the broker, as agents know them: each replica's own certificate, and the ConfigMap that names all.
// It must not know tokens, identities or who requests one.
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import { KubeError, type KubeAmbient } from '@pod-identity/kit/kube';
import type { OwnCertificate } from './certificate.ts';
import { rosterName, writeEntry } from './entry.ts';
import { createWriter, type Writer } from './writer.ts';

export interface RosterOptions extends KubeAmbient {
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

export type Roster = Awaited<ReturnType<typeof createRoster>>;

/** A wiped entry is back after so long. */
const checkMs = 5_000;
/** How long it takes an agent's watch to see a change: as a rule milliseconds. */
const agentsMs = 15_000;
/** Of the time that a pod has for its end. */
const leaveMs = 3_000;

interface Certificates {
  readonly create: (name: string, now: number) => OwnCertificate | Promise<OwnCertificate>;
  readonly renewMs: number;
}

const certificates: Certificates = { create: createLazily, renewMs: 20 * 24 * 60 * 60_000 };

export async function createRoster(options: RosterOptions, { create, renewMs }: Certificates = certificates) {
  const { clock, pod, log, random } = options;
  const writer = createWriter(options);
  const make = async () => create(pod.name, clock.now());
  /** The listener presents `current`. */
  const first = await make();
  let current = first;
  let next: OwnCertificate | undefined;
  let madeAt = clock.elapsed();
  /** What is in the ConfigMap, and since when. */
  let published: { readonly value: string; readonly at: number } | undefined;
  let isSeen = false;

  const step = async (signal: AbortSignal) => {
    if (clock.elapsed() - madeAt >= renewMs) [next, madeAt] = [await make(), clock.elapsed()];
    const value = entryOf(options, [next, current]);
    const isWritten = await writer.write(value, signal);
    // Without the second condition, a write whose response was lost would count as an old one.
    if (isWritten || published?.value !== value) published = { value, at: clock.elapsed() };
    if (clock.elapsed() - published.at < agentsMs) return;
    isSeen = true;
    if (!next) return;
    options.onRenewed(next);
    [current, next] = [next, undefined];
  };

  return {
    /** For the listener to begin with. */
    first,
    /** Whether agents had time to see the entry: only then may this replica count as ready. */
    isSeen: () => isSeen,
    /**
     * Keeps the entry in the ConfigMap until the signal aborts, then removes it and resolves: the listener should go on for some seconds
     * after that.
     */
    async run(signal: AbortSignal): Promise<void> {
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
function entryOf({ pod, port }: RosterOptions, own: readonly (OwnCertificate | undefined)[]): string {
  const certificates = own.flatMap((one) => one?.certificate ?? []);
  return writeEntry({ uid: pod.uid, address: pod.address, port, certificates });
}

/** If this fails, the others remove the entry when the pod is gone. */
async function leave(writer: Writer, clock: Clock): Promise<void> {
  const ending = new AbortController();
  const timer = clock.after(leaveMs, () => ending.abort());
  await writer.write(undefined, ending.signal).catch(() => undefined);
  timer.cancel();
}

/** Undefined if it was ended. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof KubeError && error.code === 'aborted') return undefined;
  return error instanceof Error ? error.message : String(error);
}
