import { Buffer } from 'node:buffer';
import { createBudgets, type Clock } from '@pod-identity/kit/core';
import { logLine, type LogFormat, type Output } from '@pod-identity/kit/serve';
import type { SentResponse, Issuance } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';
import {
  createIssued,
  longestResource,
  origins,
  type Entry,
  type Issued,
  type Matter,
  type Share,
} from './issued.ts';

export interface AuditOptions {
  readonly format: LogFormat;
  readonly output: Pick<Output, 'write' | 'isBehind'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
}

export interface Audit {
  readonly onSent: (sent: SentResponse) => void;
  /** Writes the counts of each interval until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** The counts that are not written yet: for the end of the process. Each line counts as written when it is taken. */
  rest(): Iterable<string>;
}

const intervalMs = 60_000;
/** While the reader of the output is behind. */
const retryMs = 1_000;
/** Other work comes between the lines of two namespaces. */
const betweenSharesMs = 1;
/** Bytes: what a namespace may not write now is counted, and written later. */
const perNamespace = { burst: 32 * 1024, perSecond: (32 * 1024) / 60 };

/**
 * Writes who got a token of which identity, cached or not: the first one of a pod for an identity and a resource at once, further ones as
 * counts. While the reader of the output is behind, or the namespace has no bytes left, all are only counted.
 */
export function createAudit({ format, output, clock }: AuditOptions): Audit {
  const issued = createIssued();
  const budgets = createBudgets(perNamespace);
  const mayWrite = (namespace: string, line: string) =>
    budgets.take(namespace, clock.now(), Buffer.byteLength(line));

  const begin = ({ outcome, time, route }: First) => {
    const { entry, share } = issued.begin(outcome, route);
    const line =
      entry === share.rest || output.isBehind ? undefined : firstLine({ outcome, time, route }, format);
    if (line !== undefined && mayWrite(share.namespace, line)) output.write(line);
    else entry.add(outcome.from, time);
  };

  function* linesOf(share: Share, mayTake: (line: string) => boolean): Generator<string, void> {
    for (const entry of [share.rest, ...share.entries]) {
      if (entry.count === 0) continue;
      const line = countLine(entry, { namespace: share.namespace, now: clock.now(), format });
      if (!mayTake(line)) return;
      entry.written();
      // Moves the entry to the end.
      if (share.entries.delete(entry)) share.entries.add(entry);
      yield line;
    }
  }

  return {
    onSent({ outcome, route }) {
      if (outcome.kind !== 'token' && outcome.kind !== 'host-token') return;
      const time = clock.now();
      const known = issued.find(outcome, route);
      if (known) known.add(outcome.from, time);
      else begin({ outcome, time, route });
    },
    run: (signal) =>
      writeCounts({
        issued,
        output,
        clock,
        signal,
        due: (share) => linesOf(share, (line) => mayWrite(share.namespace, line)),
      }),
    *rest() {
      // If not all lines are taken, namespaces with many lines lose theirs.
      const shares = issued.shares().toSorted((a, b) => a.entries.size - b.entries.size);
      for (const share of shares) yield* linesOf(share, () => true);
    },
  };
}

interface Counting extends Omit<AuditOptions, 'format'> {
  readonly issued: Issued;
  readonly due: (share: Share) => Iterable<string>;
  readonly signal: AbortSignal;
}

async function writeCounts({ issued, output, clock, due, signal }: Counting): Promise<void> {
  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => undefined);
  const caughtUp = async (): Promise<boolean> => {
    while (output.isBehind && !signal.aborted) await pause(retryMs);
    return !signal.aborted;
  };
  const writeShare = async (share: Share) => {
    if (!(await caughtUp())) return;
    for (const line of due(share)) {
      output.write(line);
      if (!(await caughtUp())) return;
    }
    issued.sweep(share);
    await pause(betweenSharesMs);
  };
  for (; !signal.aborted; await pause(intervalMs))
    for (const share of issued.shares()) await writeShare(share);
}

interface First {
  readonly outcome: Issuance;
  readonly time: number;
  readonly route: Route['kind'];
}

function firstLine({ outcome, time, route }: First, format: LogFormat): string {
  const { resource, issued, from } = outcome;
  const shown = resource.length > longestResource ? `${resource.slice(0, longestResource)}…` : resource;
  const fields = { ...fieldsOf({ ...outcome, clientId: issued.clientId, resource: shown, route }), from };
  return logLine(format, { time: new Date(time), component: 'nmi', fields, message: 'token issued' });
}

interface LineContext {
  readonly namespace: string;
  readonly now: number;
  readonly format: LogFormat;
}

function countLine(entry: Entry, { namespace, now, format }: LineContext): string {
  const { matter, count, first, last, by } = entry;
  const fields = {
    ...(matter ? fieldsOf(matter) : { namespace }),
    count,
    ...Object.fromEntries(origins.filter((from) => by[from] > 0).map((from) => [from, by[from]])),
    first: new Date(first),
    last: new Date(last),
  };
  return logLine(format, { time: new Date(now), component: 'nmi', fields, message: 'tokens issued' });
}

function fieldsOf({ pod, uid, identity, clientId, resource, route }: Matter) {
  return {
    pod,
    uid,
    identity,
    // The AzureIdentity may be changed, and for an exempt pod there is none.
    ...(clientId === undefined ? {} : { client: redactId(clientId) }),
    ...(resource === undefined ? {} : { resource }),
    route,
  };
}
