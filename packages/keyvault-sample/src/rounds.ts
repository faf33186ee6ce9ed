import { setTimeout as sleep } from 'node:timers/promises';
import type { SampleConfig } from './config.ts';
import { explain } from './explain.ts';
import type { Identity } from './identity.ts';
import type { Proxies } from './proxy.ts';
import { afterRead, identityLine, type Outcome, type Status } from './status.ts';
import type { Item } from './vault-object.ts';
import type { ReadObject } from './vault-reader.ts';

/** NMI can hold a request for 25 seconds while an identity is being assigned, and the SDK sends four with waits between them. */
const readDeadlineMs = 180_000;

const readsAtATime = 5;

/** After which a round has ended, if each read takes as long as it may. */
export const longestRoundMs = (reads: number): number => Math.ceil(reads / readsAtATime) * readDeadlineMs;

export interface Rounds {
  readonly status: () => Status;
  readonly noteIdentity: (identity: Identity) => void;
  /** Reads until the signal is aborted or all rounds are done; the number of failed reads. */
  readonly run: (read: ReadObject, stop: AbortSignal) => Promise<number>;
}

interface RoundsPorts {
  readonly say: (line: string) => void;
  readonly now: () => Date;
  readonly proxies: Proxies;
}

export function createRounds(config: SampleConfig, ports: RoundsPorts): Rounds {
  let status: Status = emptyStatus(config);

  /** A few objects at a time, so that one that hangs does not hold the others; the number of failed reads. */
  const round = async (read: ReadObject, stop: AbortSignal): Promise<number> => {
    let failed = 0;
    const waiting = config.items.entries();
    const reader = async (): Promise<void> => {
      for (const [at, item] of waiting) {
        const { clientId } = config;
        const outcome = await attempt(item, { read, stop, status: () => status, clientId, ...ports });
        if (stop.aborted) return;
        if ('failure' in outcome) failed += 1;
        const before = status.entries[at] ?? { item };
        const { entry, lines } = afterRead(before, outcome, ports.now());
        status = { ...status, entries: status.entries.with(at, entry) };
        for (const line of lines) ports.say(line);
      }
    };
    await Promise.all(Array.from({ length: readsAtATime }, reader));
    return failed;
  };

  return {
    status: () => status,
    noteIdentity(identity) {
      const line = identityLine(status.identity, identity);
      status = { ...status, identity };
      if (line !== undefined) ports.say(line);
    },
    async run(read, stop) {
      let failed = 0;
      for (let rounds = 0; rounds < config.reads && !stop.aborted; rounds += 1) {
        status = { ...status, roundBegan: ports.now(), isReading: true };
        failed += await round(read, stop);
        status = { ...status, isReading: false };
        if (rounds + 1 < config.reads) await pause(config.intervalMs, stop);
      }
      return failed;
    },
  };
}

interface Attempting extends RoundsPorts {
  readonly read: ReadObject;
  readonly stop: AbortSignal;
  readonly status: () => Status;
  readonly clientId: string | undefined;
}

async function attempt(item: Item, { read, stop, status, proxies, clientId }: Attempting): Promise<Outcome> {
  const late = AbortSignal.timeout(readDeadlineMs);
  try {
    const signal = AbortSignal.any([stop, late]);
    return { object: await orAborted(read(item, signal), signal) };
  } catch (error) {
    const { vaultUrl, identity } = status();
    const deadlineMs = late.aborted ? readDeadlineMs : undefined;
    return {
      failure: explain(error, {
        item,
        vaultUrl,
        objectId: identity?.objectId,
        clientId,
        proxies,
        deadlineMs,
      }),
    };
  }
}

/** The credentials of @azure/identity do not end a request for a token when the signal is aborted: the wait for it ends here. */
function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
  return Promise.race([result, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

function emptyStatus({ vaultUrl, credential, items }: SampleConfig): Status {
  const entries = items.map((item) => ({ item }));
  return { vaultUrl, credential, identity: undefined, entries, roundBegan: undefined, isReading: false };
}

/** Ends early when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
