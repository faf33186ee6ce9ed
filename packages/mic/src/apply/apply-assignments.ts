// Executes those steps of one host's plan that need only the API server; never waits for Azure.
// If the identity is already on the host, the object is written once, as Assigned; other steps are held.
import type { Host } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { objectKey } from '../plan/diff.ts';
import type { AssignmentStep, HostPlan } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import type { AssignedIdentityWriter, WriteOutcome } from './assigned-identity-writer.ts';
import { readinessOf, type Readiness, type Waiting } from './assignment-state.ts';
import type { Echoes, Seen } from './echoes.ts';
import type { HostMemory } from './memory.ts';

/** The write of one step and its outcome. */
export interface StepResult {
  readonly step: AssignmentStep;
  readonly state: 'Assigned' | 'Created' | 'removed';
  readonly waiting?: Waiting;
  readonly outcome: WriteOutcome;
  readonly ms: number;
  /** How often the API server has refused the step in a row before. */
  readonly refusals?: number;
}

export interface AssignmentPorts {
  readonly writer: AssignedIdentityWriter;
  readonly echoes: Echoes;
  /** Of one host. */
  readonly writesAtOnce: number;
  readonly memory: HostMemory;
  /** The object as the watch shows it, by `namespace/name`. */
  readonly seen: (key: string) => Seen | undefined;
  readonly now: () => number;
  readonly recordAfterMs: number;
  /** Called if another object has the name, by `namespace/name`. */
  readonly onNameTaken: (key: string) => void;
  readonly report: (result: StepResult, host: Host | undefined) => void;
}

export interface AssignmentsDone {
  /** Steps to plan again: held, refused or incomplete. */
  readonly unfinished: readonly Unfinished[];
}

export interface Unfinished {
  readonly step: AssignmentStep;
  /** Of the step; to be passed to the next plan. */
  readonly key: string;
  readonly held: Held;
  /** Latest time of the next plan. */
  readonly until: number;
}

export interface Held {
  readonly since: number;
  /** After a refused write: not retried before, however often the host is planned. */
  readonly retryAt: number;
  /** How often the API server has refused it in a row. */
  readonly refusals?: number;
}

/** By the key of the assignment, or of the object to be deleted. */
export type HeldSteps = ReadonlyMap<string, Held>;

const retryMs = 5_000;
/** For writes that the API server refuses: an editor can have all records of a namespace refused, for example by a quota. */
const longestRetryMs = 60_000;

export interface AssignmentsApplier {
  apply(plan: HostPlan, facts: HostFacts | undefined, held: HeldSteps): Promise<AssignmentsDone>;
}

/** The write of a step, or the time until which it is held; `undefined` if there is nothing to do. */
type Move =
  | { readonly kind: 'write'; readonly state: StepResult['state']; readonly waiting?: Waiting }
  | { readonly kind: 'hold'; readonly until: number };

export function createAssignmentsApplier(ports: AssignmentPorts): AssignmentsApplier {
  return { apply: (plan, facts, held) => new Pass(ports, { plan, facts, held }).run() };
}

interface Given {
  readonly plan: HostPlan;
  readonly facts: HostFacts | undefined;
  readonly held: HeldSteps;
}

class Pass {
  readonly #ports: AssignmentPorts;
  readonly #given: Given;
  readonly #unfinished: Unfinished[] = [];

  constructor(ports: AssignmentPorts, given: Given) {
    this.#ports = ports;
    this.#given = given;
  }

  async run(): Promise<AssignmentsDone> {
    const limit = createLimit(this.#ports.writesAtOnce);
    await Promise.all(
      this.#given.plan.steps.map(async (step) => {
        const move = this.#moveOf(step);
        if (!move) return;
        if (move.kind === 'hold') this.#hold(step, move.until, this.#before(step) ?? { retryAt: 0 });
        else this.#settleWrite(step, await limit(() => this.#write(step, move)));
      }),
    );
    return { unfinished: this.#unfinished };
  }

  #settleWrite(step: AssignmentStep, outcome: WriteOutcome): void {
    // A create that finds its object gone has created nothing.
    if (outcome.kind === 'written' || (outcome.kind === 'removed' && step.kind !== 'create')) return;
    const mayBeRefusal = outcome.kind === 'failed' || outcome.kind === 'stale';
    const isRefusal = mayBeRefusal && outcome.isRefusal === true;
    const refusals = isRefusal ? (this.#before(step)?.refusals ?? 0) + 1 : 0;
    const pauseMs = Math.min(longestRetryMs, retryMs * 2 ** Math.max(0, refusals - 1));
    const retryAt = this.#ports.now() + pauseMs;
    this.#hold(step, retryAt, { retryAt, ...(isRefusal && { refusals }) });
  }

  #moveOf(step: AssignmentStep): Move | undefined {
    const { echoes, memory, now, recordAfterMs } = this.#ports;
    const { plan, facts } = this.#given;
    const before = this.#before(step);
    const blockedUntil = Math.max(echoes.pendingUntil(objectKey(step)) ?? 0, before?.retryAt ?? 0);
    if (blockedUntil > now()) return { kind: 'hold', until: blockedUntil };
    if (step.kind === 'delete') return { kind: 'write', state: 'removed' };
    const leaving = plan.host ? memory.leaving(plan.host.id) : none;
    const moment = { plan, facts, leaving, now: now(), heldSince: before?.since, recordAfterMs };
    const readiness = readinessOf(step, moment);
    // A confirm has its object already: nothing to write until the identity is on the host.
    if (step.kind === 'confirm' && readiness.kind !== 'assigned') return undefined;
    return toMove(readiness);
  }

  #before(step: AssignmentStep): Held | undefined {
    return this.#given.held.get(holdKey(step));
  }

  #hold(step: AssignmentStep, until: number, held: Omit<Held, 'since'>): void {
    const since = this.#before(step)?.since ?? this.#ports.now();
    this.#unfinished.push({ step, key: holdKey(step), held: { ...held, since }, until });
  }

  async #write(step: AssignmentStep, move: Extract<Move, { kind: 'write' }>): Promise<WriteOutcome> {
    const { now, report } = this.#ports;
    const startedAt = now();
    const outcome = await this.#send(step, move.state);
    this.#settle(step, outcome);
    const { state, waiting } = move;
    const { refusals } = this.#before(step) ?? {};
    const more = { ...(waiting ? { waiting } : {}), ...(refusals !== undefined && { refusals }) };
    const result = { step, state, outcome, ms: now() - startedAt, ...more };
    report(result, this.#given.plan.host);
    return outcome;
  }

  async #send(step: AssignmentStep, wanted: StepResult['state']): Promise<WriteOutcome> {
    const { writer } = this.#ports;
    const state = wanted === 'Created' ? 'Created' : 'Assigned';
    switch (step.kind) {
      case 'create':
        return writer.create(step.assignment, state);
      case 'update':
        return writer.update(step.assignment, step.current, state);
      case 'confirm':
        return writer.confirm(step.current);
      case 'delete':
        return writer.remove(step.current);
    }
  }

  #settle(step: AssignmentStep, outcome: WriteOutcome): void {
    const { echoes, seen, onNameTaken } = this.#ports;
    const key = objectKey(step);
    if (outcome.kind === 'stale' && step.kind === 'create') onNameTaken(key);
    if (outcome.kind === 'written') echoes.wrote(key, outcome.resourceVersion, seen(key));
    if (outcome.kind === 'removed' && step.kind !== 'create') {
      echoes.removed(key, step.current.uid, seen(key));
    }
  }
}

const none: ReadonlySet<never> = new Set();

function toMove(readiness: Readiness): Move {
  switch (readiness.kind) {
    case 'assigned':
      return { kind: 'write', state: 'Assigned' };
    case 'created':
      return { kind: 'write', state: 'Created', waiting: readiness.waiting };
    case 'hold':
      return readiness;
  }
}

function holdKey(step: AssignmentStep): string {
  return step.kind === 'delete' ? objectKey(step) : step.assignment.key;
}
