import { setTimeout as sleep } from 'node:timers/promises';
import type { GetSecretOptions } from '@azure/keyvault-secrets';
import { allNames, type Item, type SampleConfig } from './config.ts';
import { afterRead, nameOf, type Entry } from './entry.ts';
import { explain, type Explanation, type VaultResponse } from './explain.ts';
import type { Identity } from './identity.ts';
import type { Kind, Vault } from './vault.ts';

/** NMI can hold a request for 25 seconds while an identity is being assigned, and the SDK sends four with waits between them. */
const readDeadlineMs = 180_000;
const readsAtATime = 5;
const mostListed = 50;

/** Reads again and again, and knows what was read. */
export class Rounds {
  readonly #config: SampleConfig;
  readonly #say: (line: string) => void;
  #entries: ReadonlyMap<string, Entry>;
  #identity: Identity | undefined;

  constructor(config: SampleConfig, say: (line: string) => void) {
    this.#config = config;
    this.#say = say;
    this.#entries = new Map(config.items.map((item) => [nameOf(item), { item }]));
  }

  /** The identity is that of the last token. */
  known() {
    return { entries: [...this.#entries.values()], identity: this.#identity };
  }

  noteIdentity(identity: Identity): void {
    const { clientId, objectId, tenantId, resourceId = 'none' } = identity;
    const isNew = this.#identity?.objectId !== objectId || this.#identity.clientId !== clientId;
    this.#identity = identity;
    if (!isNew) return;
    const ids = `client id ${clientId}, object id ${objectId}, tenant ${tenantId}, resource id ${resourceId}`;
    this.#say(`runs as ${ids}`);
  }

  /** Reads until the signal is aborted or all rounds are done; the number of failed reads. */
  async run(vault: Vault, stop: AbortSignal): Promise<number> {
    const { reads, intervalMs } = this.#config;
    let failed = 0;
    for (let rounds = 0; rounds < reads && !stop.aborted; rounds += 1) {
      await this.#round(vault, stop);
      failed += this.known().entries.filter(({ failure }) => failure !== undefined).length;
      // It rejects when the signal is aborted.
      if (rounds + 1 < reads) await sleep(intervalMs, undefined, { signal: stop }).catch(() => undefined);
    }
    return failed;
  }

  async #round(vault: Vault, stop: AbortSignal): Promise<void> {
    const listed: Entry[] = [];
    for (const item of this.#config.items) {
      const isList = item.name === allNames;
      listed.push(...(isList ? await this.#list(vault, item.kind, stop) : [this.#entryOf(item)]));
    }
    const entries = new Map(listed.map((entry) => [nameOf(entry.item), entry]));
    this.#entries = entries;
    const waiting = [...entries].filter(([, { item }]) => item.name !== allNames).values();
    const reader = async (): Promise<void> => {
      for (const [at, before] of waiting) {
        const { kind, name } = before.item;
        const object = await this.#attempt(before.item, stop, (request) => vault.read(kind, name, request));
        if (stop.aborted) return;
        if ('failure' in object) entries.set(at, { ...before, ...object });
        else {
          const { entry, lines } = afterRead(before, object, new Date());
          entries.set(at, entry);
          lines.forEach(this.#say);
        }
      }
    };
    // A few at a time, so that one that hangs does not hold the others.
    await Promise.all(Array.from({ length: readsAtATime }, reader));
  }

  readonly #entryOf = (item: Item): Entry => this.#entries.get(nameOf(item)) ?? { item };

  /** The first objects of the vault, without those of a certificate; if the list fails, those that it had. */
  async #list(vault: Vault, kind: Kind, stop: AbortSignal): Promise<readonly Entry[]> {
    const all: Item = { kind, name: allNames };
    const items = await this.#attempt(all, stop, async (request) => {
      const found: Item[] = [];
      for await (const { name, managed = false } of vault.list(kind, request)) {
        if (name === undefined || managed) continue;
        if (found.push({ kind, name }) <= mostListed) continue;
        this.#say(`the vault has more ${kind}s than are read: the first ${mostListed} are`);
        return found.slice(0, mostListed);
      }
      return found;
    });
    if (!('failure' in items)) return items.map(this.#entryOf);
    const before = this.known().entries.filter(({ item }) => item.kind === kind && item.name !== allNames);
    return [{ item: all, ...items }, ...before];
  }

  async #attempt<T extends object>(
    item: Item,
    stop: AbortSignal,
    read: (request: GetSecretOptions) => Promise<T>,
  ): Promise<T | { readonly failure: Explanation }> {
    const late = AbortSignal.timeout(readDeadlineMs);
    const abortSignal = AbortSignal.any([stop, late]);
    let response: VaultResponse | undefined;
    const onResponse = (last: VaultResponse): void => void (response = last);
    try {
      abortSignal.throwIfAborted();
      // The credentials of @azure/identity do not end a request for a token when the signal is aborted: the wait for it ends here.
      const end = new Promise<never>((_, reject) => {
        abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error));
      });
      return await Promise.race([read({ abortSignal, onResponse }), end]);
    } catch (error) {
      const { vaultUrl, proxies } = this.#config;
      const objectId = this.#identity?.objectId;
      const failure = explain(error, { item, vaultUrl, objectId, proxies, response, isLate: late.aborted });
      const details = failure.detail === undefined ? '' : ` Details: ${failure.detail}`;
      if (!stop.aborted)
        this.#say(`could not read ${nameOf(item)}: ${failure.sentence}. [${failure.reason}]${details}`);
      return { failure };
    }
  }
}
