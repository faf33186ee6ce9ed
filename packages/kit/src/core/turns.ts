// Whose turn it is: one order for everything that several namespaces wait for.
import { createFairQueue, type Added, type FairQueueLimits, type Tenant } from './fair-queue.ts';
import { createLastFirst } from './last-first.ts';

/** Items of a kind have limits of their own, and may be served or not at a moment; all kinds share turns. */
export interface TurnKind {
  /** Default: none. */
  readonly limits?: FairQueueLimits;
  /** A namespace that waits for this kind goes first in its round, and may use the turn of its next round in advance. */
  readonly isAhead?: boolean;
  /** Its quota is shared by turns too: otherwise namespaces whose turns go to other kinds would get none of it. */
  readonly hasQuota?: boolean;
}

export interface Turn<T, Kind> {
  readonly kind: Kind;
  readonly namespace: string;
  readonly item: T;
}

type MayServe<Kind> = (namespace: string, kind: Kind) => boolean;

/** One of a kind that is ahead, and one of each of two that have a quota. */
const mostInAdvance = 3;

interface Account<L> {
  /** The round of its next turn. */
  readonly due: number;
  /** Its rank among those of a round: the order in which they came. */
  readonly since: number;
  /** In the order of their turns. */
  readonly lines: readonly L[];
}

/**
 * A namespace has one turn in each round, whatever kinds it waits for. Its turns go to its kinds one after the other, to one that is ahead
 * after any other one; within a kind to its pods, and to the items of a pod in their order. A turn costs the same for any number of
 * namespaces.
 */
export class Turns<T extends object, Kind extends string> {
  readonly #lines: readonly Line<T, Kind>[];
  readonly #accounts = new Map<string, Account<Line<T, Kind>>>();
  #round = 0;
  #since = 0;

  constructor(kinds: Readonly<Record<Kind, TurnKind>>) {
    this.#lines = Object.entries<TurnKind>(kinds).map(
      ([kind, options]) => new Line<T, Kind>(kind as Kind, options),
    );
  }

  /** As `FairQueue.add`. */
  add(kind: Kind, tenant: Tenant, item: T): Added<T> {
    const { namespace } = tenant;
    const account = this.#accountOf(namespace);
    const line = this.#lines.find((one) => one.kind === kind);
    const added = line?.items.add(tenant, item) ?? { kind: 'full' };
    if (added.kind === 'full') return added;
    this.#accounts.set(namespace, account);
    this.#lineUp(namespace);
    return added;
  }

  /** Takes the next item, of the kinds that are open (default: all). Looks at each namespace that may not be served: they should be few. */
  next(
    mayServe: MayServe<Kind> = () => true,
    open: readonly Kind[] = this.#lines.map(({ kind }) => kind),
  ): Turn<T, Kind> | undefined {
    const lines = this.#lines.filter(({ kind }) => open.includes(kind));
    const turn = this.#turn(lines, mayServe);
    if (!turn) return undefined;
    const { line, at } = turn;
    const namespace = line.nextOfQuota(mayServe, at + mostInAdvance) ?? turn.namespace;
    const account = this.#accountOf(namespace);
    const item = line.items.next(namespace);
    if (!item) return undefined;
    const due = Math.max(at, account.due) + 1;
    this.#accounts.set(namespace, { ...account, due, lines: afterTurn(account.lines, line) });
    line.entries.delete(namespace);
    this.#lineUp(namespace);
    if (at > this.#round) this.#startRound(at);
    return { kind: line.kind, namespace, item };
  }

  /** Returns whether the item waited. */
  remove(item: T): boolean {
    for (const { items } of this.#lines) {
      const tenant = items.remove(item);
      if (tenant) this.#lineUp(tenant.namespace);
      if (tenant) return true;
    }
    return false;
  }

  /** The number of items that wait; default: of all kinds. */
  size(kind?: Kind): number {
    let sum = 0;
    for (const line of this.#lines) if (kind === undefined || line.kind === kind) sum += line.items.size;
    return sum;
  }

  /** To be called when a new item need not wait: turns that were used in advance have delayed nobody then. */
  resetAccounts(): void {
    this.#accounts.clear();
  }

  #turn(lines: readonly Line<T, Kind>[], mayServe: MayServe<Kind>) {
    let first: { readonly entry: Entry; readonly at: number; readonly rank: number } | undefined;
    for (const line of lines) {
      const entry = line.first(mayServe);
      if (!entry) continue;
      const at = Math.max(this.#round, entry.due - line.ahead);
      const rank = 2 * at - line.ahead;
      if (!first || rank < first.rank || (rank === first.rank && entry.since < first.entry.since))
        first = { entry, at, rank };
    }
    if (!first) return undefined;
    const { namespace } = first.entry;
    const isNext = (one: Line<T, Kind>) =>
      lines.includes(one) && one.items.has(namespace) && mayServe(namespace, one.kind);
    const line = this.#accountOf(namespace).lines.find(isNext);
    return line && { line, namespace, at: first.at };
  }

  /** A namespace with no waiting items starts again from its first turn, unless it has used turns in advance. */
  #accountOf(namespace: string): Account<Line<T, Kind>> {
    const known = this.#accounts.get(namespace);
    if (known && this.#counts(namespace, known)) return known;
    return { due: this.#round, since: (this.#since += 1), lines: this.#lines };
  }

  #counts(namespace: string, { due }: Account<unknown>): boolean {
    return due > this.#round || this.#lines.some(({ items }) => items.has(namespace));
  }

  #lineUp(namespace: string): void {
    const { due, since } = this.#accountOf(namespace);
    for (const line of this.#lines)
      if (!line.items.has(namespace)) line.entries.delete(namespace);
      else if (line.entries.get(namespace)?.due !== due) line.put({ namespace, due, since });
  }

  #startRound(at: number): void {
    this.#round = at;
    // Not in each round, since it goes through all accounts.
    const waiting = this.#lines.reduce((sum, { entries }) => sum + entries.size, 0);
    if (this.#accounts.size < 2 * waiting + 16) return;
    for (const [namespace, account] of this.#accounts)
      if (!this.#counts(namespace, account)) this.#accounts.delete(namespace);
  }
}

function afterTurn<L extends { readonly ahead: number }>(lines: readonly L[], line: L): readonly L[] {
  const others = lines.filter((other) => other !== line);
  others.sort((one, other) => other.ahead - one.ahead);
  return [...others, line];
}

/** A namespace that waits. */
interface Entry {
  readonly namespace: string;
  readonly due: number;
  readonly since: number;
}

/** What waits of one kind. */
class Line<T extends object, Kind extends string> {
  readonly kind: Kind;
  readonly items;
  readonly ahead: 0 | 1;
  /** In the order of the turns in this kind. */
  readonly entries = new Map<string, Entry>();
  readonly #hasQuota: boolean;
  readonly #passed = new Set<Entry>();
  readonly #order = createLastFirst<Entry>(isLater, {
    counts: (one) => this.entries.get(one.namespace) === one && !this.#passed.has(one),
    size: () => this.entries.size,
  });

  constructor(kind: Kind, { limits = unlimited, isAhead = false, hasQuota = false }: TurnKind) {
    this.kind = kind;
    this.items = createFairQueue<T>(limits);
    this.ahead = isAhead ? 1 : 0;
    this.#hasQuota = hasQuota;
  }

  put(entry: Entry): void {
    this.entries.set(entry.namespace, entry);
    this.#order.add(entry);
  }

  /** The namespace whose turn comes first. */
  first(mayServe: MayServe<Kind>): Entry | undefined {
    let first = this.#order.last();
    for (; first && !mayServe(first.namespace, this.kind); first = this.#order.last())
      this.#passed.add(first);
    const passed = [...this.#passed];
    this.#passed.clear();
    for (const one of passed) this.#order.add(one);
    return first;
  }

  /** The namespace whose turn it is among those of this kind, if it has a quota. */
  nextOfQuota(mayServe: MayServe<Kind>, latest: number): string | undefined {
    if (!this.#hasQuota) return undefined;
    for (const { namespace, due } of this.entries.values())
      if (due <= latest && mayServe(namespace, this.kind)) return namespace;
    return undefined;
  }
}

const unlimited: FairQueueLimits = { total: Infinity, perNamespace: Infinity, perPod: Infinity };

function isLater(one: Entry, other: Entry): boolean {
  return one.due === other.due ? one.since > other.since : one.due > other.due;
}
