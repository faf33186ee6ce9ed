import { setTimeout as sleep } from 'node:timers/promises';
import type { SampleConfig } from './config.ts';
import { explain, type Explanation } from './explain.ts';
import type { Identity } from './identity.ts';
import { entriesOf, type Listing } from './listing.ts';
import type { Proxies } from './proxy.ts';
import { afterRead, identityLine, type Status } from './status.ts';
import { allNames, type Item, type Kind } from './vault-object.ts';
import type { VaultReader } from './vault-reader.ts';

/** NMI can hold a request for 25 seconds while an identity is being assigned, and the SDK sends four with waits between them. */
const readDeadlineMs = 180_000;

const readsAtATime = 5;

/** After which a round has ended, if each list and each read takes as long as it may. */
export function longestRoundMs(items: readonly Item[], { entries }: Status): number {
  const lists = items.filter(isList).length;
  const reads = entries.filter(({ item }) => !isList(item)).length;
  return (lists + Math.ceil(reads / readsAtATime)) * readDeadlineMs;
}

const isList = ({ name }: Item): boolean => name === allNames;

export interface Rounds {
  readonly status: () => Status;
  readonly noteIdentity: (identity: Identity) => void;
  /** Reads until the signal is aborted or all rounds are done; the number of failed reads. */
  readonly run: (vault: VaultReader, stop: AbortSignal) => Promise<number>;
}

interface RoundsPorts {
  readonly say: (line: string) => void;
  readonly now: () => Date;
  readonly proxies: Proxies;
}

export function createRounds(config: SampleConfig, ports: RoundsPorts): Rounds {
  let status: Status = emptyStatus(config);

  const { clientId } = config;
  const attempting = { status: () => status, clientId, ...ports };

  /** A few objects at a time, so that one that hangs does not hold the others; the number of failed reads. */
  const round = async (vault: VaultReader, stop: AbortSignal): Promise<number> => {
    const listings = await listAll(vault, config.items, { ...attempting, stop });
    status = { ...status, entries: entriesOf(config.items, listings, status.entries) };
    let failed = [...listings.values()].filter((listing) => 'failure' in listing).length;
    const waiting = status.entries.entries();
    const reader = async (): Promise<void> => {
      for (const [at, before] of waiting) {
        const { item } = before;
        if (isList(item)) continue;
        const ask = async (signal: AbortSignal) => ({ object: await vault.read(item, signal) });
        const outcome = await attempt({ item, ask }, { ...attempting, stop });
        if (stop.aborted) return;
        if ('failure' in outcome) failed += 1;
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
    async run(vault, stop) {
      let failed = 0;
      for (let rounds = 0; rounds < config.reads && !stop.aborted; rounds += 1) {
        status = { ...status, roundBegan: ports.now(), isReading: true };
        failed += await round(vault, stop);
        status = { ...status, isReading: false };
        if (rounds + 1 < config.reads) await pause(config.intervalMs, stop);
      }
      return failed;
    },
  };
}

/** The names of all objects of the kinds of which all are wanted. */
async function listAll(
  vault: VaultReader,
  items: readonly Item[],
  attempting: Attempting,
): Promise<ReadonlyMap<Kind, Listing>> {
  const listings = new Map<Kind, Listing>();
  for (const item of items.filter(isList)) {
    const ask = (signal: AbortSignal) => vault.list(item.kind, signal);
    const listing = await attempt({ item, ask }, attempting);
    if (attempting.stop.aborted) break;
    listings.set(item.kind, listing);
    if (!('failure' in listing)) continue;
    for (const line of afterRead({ item }, listing, attempting.now()).lines) attempting.say(line);
  }
  return listings;
}

interface Asked<T> {
  readonly item: Item;
  readonly ask: (signal: AbortSignal) => Promise<T>;
}

interface Attempting extends RoundsPorts {
  readonly stop: AbortSignal;
  readonly status: () => Status;
  readonly clientId: string | undefined;
}

async function attempt<T>(
  { item, ask }: Asked<T>,
  { stop, status, proxies, clientId }: Attempting,
): Promise<T | { readonly failure: Explanation }> {
  const late = AbortSignal.timeout(readDeadlineMs);
  try {
    const signal = AbortSignal.any([stop, late]);
    return await orAborted(ask(signal), signal);
  } catch (error) {
    const { vaultUrl, identity } = status();
    const deadlineMs = late.aborted ? readDeadlineMs : undefined;
    return {
      failure: explain(error, {
        item,
        vaultUrl,
        objectId: identity?.objectId,
        isUser: identity?.isUser,
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
