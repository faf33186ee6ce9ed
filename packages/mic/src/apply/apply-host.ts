// Room: executes plans and returns outcomes, in two lanes for each host; ports are declared beside their callers.
// It must not know the client of Azure, or word Events and conditions.
//
// Changes one host in Azure by its newest plan: record the intent, send the PATCH, fold the outcome into the facts, record it. After
// a crash between any two of these the next term continues from the record.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import { nextTurn } from '../plan/host-turn.ts';
import type { AzurePlan } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { attemptsLeft } from '../snapshot/facts/strikes.ts';
import {
  createFacts,
  factsFromRecord,
  foldExpiry,
  foldIntent,
  foldReading,
  foldRefused,
  foldRenewal,
  foldSpending,
  foldUpdate,
  recordOf,
} from '../snapshot/facts/host-facts.ts';
import type { HostIdentities, UpdateContext } from './host-identities.ts';
import type { HostChange, HostFailure, ReadOutcome, UpdateOutcome } from '../snapshot/facts/outcomes.ts';
import type { Ledger, SaveOutcome } from './ledger.ts';
import type { HostMemory } from './memory.ts';

interface HostResultBase {
  readonly host: Host;
  readonly before: HostFacts;
  readonly after: HostFacts;
  /** Time of the response, and duration. */
  readonly at: number;
  readonly ms: number;
}

export type HostResult =
  | (HostResultBase & { readonly kind: 'read'; readonly outcome: ReadOutcome })
  | (HostResultBase & {
      readonly kind: 'changed';
      readonly change: HostChange;
      readonly outcome: UpdateOutcome;
    });

export interface HostPorts {
  readonly identities: HostIdentities;
  readonly ledger: Pick<Ledger, 'save'>;
  readonly memory: HostMemory;
  readonly term: LeaderTerm;
  readonly now: () => number;
  readonly random: () => number;
  /** Whether a live pod currently needs the identity on the host. */
  readonly isNeeded: (host: ResourceId, identity: ResourceId) => boolean;
  /** The identities that may be attached now, since pods on the host may use them. */
  readonly granted: (host: ResourceId) => Iterable<ResourceId>;
  /** The namespaces with an AzureIdentity for the identity. */
  readonly claimants: (identity: ResourceId) => readonly string[];
  readonly report: (result: HostResult) => void;
  /** Called if the record could not be written, or another process wrote it. */
  readonly onRecordNotSaved: (host: Host, outcome: SaveOutcome) => void;
}

interface Intended {
  readonly attaching: readonly ResourceId[];
  readonly renewing: readonly ResourceId[];
}

const retrySaveMs = 5_000;

/** Why a planned PATCH must not be sent. */
class IntentRefused extends Error {
  override readonly name = 'IntentRefused';
  /** Delay until the next plan. */
  readonly retryMs: number;

  constructor(message: string, retryMs: number) {
    super(message);
    this.retryMs = retryMs;
  }
}

export class HostChanger {
  readonly #ports: HostPorts;

  constructor(ports: HostPorts) {
    this.#ports = ports;
  }

  /** Returns when to retry without a change, if a record is still to be written. */
  async apply(plan: AzurePlan): Promise<number | undefined> {
    const { term, now } = this.#ports;
    if (!term.holds()) return undefined;
    const waits = [await this.#act(plan)];
    if (term.holds() && (await this.#save(plan.host)) !== 'saved') waits.push(retrySaveMs);
    const soonest = Math.min(...waits.filter((ms) => ms !== undefined));
    return soonest === Infinity ? undefined : now() + soonest;
  }

  /** Returns the delay of the retry if MIC itself stopped. */
  async #act(plan: AzurePlan): Promise<number | undefined> {
    const { isNeeded, claimants, now } = this.#ports;
    const { host, attach, again = [], renew, read } = plan;
    if (isHeldBack(plan, now())) return undefined;
    const detach = plan.detach.filter((id) => !isNeeded(host.id, id));
    const isChange = attach.length + again.length + renew.length + detach.length > 0;
    // A host that was not read yet may already have the identities, so it is read first.
    if (isChange && this.#facts(host).present) {
      const { hasMore, ...turn } = nextTurn({ attach, again, renew, detach }, this.#facts(host), claimants);
      const refused = await this.#update(host, turn);
      return refused?.retryMs ?? (hasMore ? 0 : undefined);
    }
    if (read) await this.#read(host, isChange);
    return undefined;
  }

  async #read(host: Host, isChangeDue: boolean): Promise<void> {
    const { identities, term, memory, now, random, report } = this.#ports;
    const startedAt = now();
    const end = memory.begin(host.id, 'reading');
    const outcome = await identities.read(host, term.signal).finally(end);
    const at = now();
    const before = this.#facts(host);
    const read = foldReading(before, outcome, { now: at, chance: random() });
    const motion = isChangeDue ? motionOf(outcome) : undefined;
    // A host that is being updated would refuse the change.
    const after = motion ? this.#foldMotion(read, motion, before) : read;
    memory.keep(after);
    this.#spreadThrottle(host, outcome);
    report({ kind: 'read', host, outcome, before, after, at, ms: at - startedAt });
  }

  /** A successful read does not reset the growing delays while the host is being updated. */
  #foldMotion(read: HostFacts, motion: HostFailure, { lastFailure }: HostFacts): HostFacts {
    const { now, random } = this.#ports;
    return foldReading({ ...read, ...(lastFailure && { lastFailure }) }, motion, {
      now: now(),
      chance: random(),
    });
  }

  async #update(host: Host, change: HostChange): Promise<IntentRefused | undefined> {
    const { memory, now, random, report } = this.#ports;
    const startedAt = now();
    const before = this.#facts(host);
    const end = memory.begin(host.id, change);
    const { outcome, refused } = await this.#send(host, change).finally(end);
    const at = now();
    const after = foldUpdate(this.#facts(host), { change, outcome }, { now: at, chance: random() });
    memory.keep(after);
    this.#spreadThrottle(host, outcome.refusal);
    report({ kind: 'changed', host, change, outcome, before, after, at, ms: at - startedAt });
    return refused;
  }

  async #send(host: Host, change: HostChange): Promise<{ outcome: UpdateOutcome; refused?: IntentRefused }> {
    const { identities, term, memory, now } = this.#ports;
    let refused: IntentRefused | undefined;
    const beforePatch: UpdateContext['beforePatch'] = async (attaching, spentUntil, renewing = []) => {
      memory.keep(foldSpending(this.#facts(host), spentUntil));
      refused = await this.#intend(host, change, { attaching, renewing });
      if (refused) throw refused;
    };
    const before = this.#facts(host);
    const outcome = await identities.update(host, change, {
      signal: term.signal,
      mayBeSent: () => term.holds(),
      spentUntil: before.spentUntil,
      attempts: attemptsOf(change, before, now()),
      othersWait: () => this.#othersWait(host, change),
      mayComeOff: (id) => this.#facts(host).ours.has(id) && this.#facts(host).unapplied.has(id),
      beforePatch,
    });
    if (refused === undefined) return { outcome };
    // MIC itself stopped: not a failure of the host. The read state may be older than the record.
    const { rejected, patches, refused: ids = [], applied = [], blamed = new Map() } = outcome;
    const known = { rejected, patches, blamed, applied, refused: ids };
    return { outcome: { ...known, refusal: { kind: 'aborted' } }, refused };
  }

  /** Whether a new pod needs an identity that neither this change nor the host has. */
  #othersWait(host: Host, { attach, renew }: HostChange): boolean {
    const { present, quarantined } = this.#facts(host);
    const known = new Set([...attach, ...renew, ...(present?.keys() ?? []), ...quarantined.keys()]);
    return [...this.#ports.granted(host.id)].some((id) => !known.has(id));
  }

  /** Right before each PATCH: the last check of the term, and of new pods that need identities to be detached. */
  async #intend(host: Host, change: HostChange, { attaching, renewing }: Intended) {
    const { term, memory, now, isNeeded } = this.#ports;
    const over = new IntentRefused('the leader term is over', 0);
    if (!term.holds()) return over;
    memory.keep(foldRenewal(foldIntent(this.#facts(host), attaching, now()), renewing, now()));
    const saved = await this.#save(host);
    // Nothing was sent for this intent; a record of another process does not contain it.
    const withdraw = () => memory.keep(foldRefused(this.#facts(host), attaching));
    if (saved === 'failed') withdraw();
    if (saved !== 'saved') return new IntentRefused('the intent is not on record', retrySaveMs);
    if (!term.holds()) return over;
    const wanted = change.detach.find((id) => isNeeded(host.id, id));
    if (wanted === undefined) return undefined;
    withdraw();
    return new IntentRefused(`a pod needs ${wanted} again`, 0);
  }

  async #save(host: Host): Promise<SaveOutcome['kind']> {
    const { ledger, memory, now, onRecordNotSaved } = this.#ports;
    const facts = foldExpiry(this.#facts(host), now());
    // Else the next pass finds expired entries that are not in the record any more, and has it written again.
    memory.keep(facts);
    const outcome = await ledger.save(recordOf(facts));
    if (outcome.kind === 'saved') return outcome.kind;
    // The other record counts: it is read again, and so is the host.
    if (outcome.kind === 'overtaken')
      memory.keep(outcome.record ? factsFromRecord(outcome.record) : createFacts(host));
    onRecordNotSaved(host, outcome);
    return outcome.kind;
  }

  #spreadThrottle(host: Host, outcome: ReadOutcome | undefined): void {
    const { memory, now } = this.#ports;
    if (outcome?.kind !== 'throttled' || outcome.scope !== 'subscription') return;
    memory.holdSubscription(host.id, now() + outcome.retryAfterMs);
  }

  #facts(host: Host): HostFacts {
    return this.#ports.memory.factsFromStart(host);
  }
}

/** The attempts left to the namespace with the fewest. */
function attemptsOf({ namespaces = new Map() }: HostChange, { strikes }: HostFacts, now: number): number {
  return Math.min(...Array.from(namespaces.values(), (namespace) => attemptsLeft(strikes, namespace, now)));
}

export function isHeldBack(plan: Pick<AzurePlan, 'notBefore'>, now: number): boolean {
  return plan.notBefore !== undefined && plan.notBefore > now;
}

/** Another process is changing the host (for example a cluster upgrade): MIC waits for it. */
function motionOf(outcome: ReadOutcome): HostFailure | undefined {
  if (outcome.kind !== 'read') return undefined;
  const { provisioningState = '' } = outcome;
  if (!/^(creating|migrating|updating)$/i.test(provisioningState)) return undefined;
  return { kind: 'busy', message: `the host is ${provisioningState}`, retryAfterMs: 0 };
}
