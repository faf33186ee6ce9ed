// Carries out the steps of one host's plan that the API server alone can serve: it never waits for Azure.
// An object is written once, as Assigned, when its identity is on the host by then; the steps of the others are held.
import type { Host } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { objectKey } from '../plan/diff.ts';
import type { AssignmentStep, HostPlan } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import type { AssignedIdentityWriter, WriteOutcome } from './assigned-identity-writer.ts';
import { readinessOf, type Readiness, type Waiting } from './assignment-state.ts';
import type { Echoes, Seen } from './echoes.ts';
import type { HostMemory } from './memory.ts';

/** What was written for one step, and what came of it. */
export interface StepResult {
  readonly step: AssignmentStep;
  readonly state: 'Assigned' | 'Created' | 'removed';
  readonly waiting?: Waiting;
  readonly outcome: WriteOutcome;
  readonly ms: number;
}

export interface AssignmentPorts {
  readonly writer: AssignedIdentityWriter;
  readonly echoes: Echoes;
  /** Under way at a time for one host. */
  readonly writesAtOnce: number;
  readonly memory: HostMemory;
  /** What the watch shows of an object, by `namespace/name`. */
  readonly seen: (key: string) => Seen | undefined;
  readonly now: () => number;
  readonly recordAfterMs: number;
  /** An object could not be created because another one has its name, by `namespace/name`. */
  readonly onNameTaken: (key: string) => void;
  readonly report: (result: StepResult, host: Host | undefined) => void;
}

export interface AssignmentsDone {
  /** Steps that have to be planned again: held, refused, or not seen through. */
  readonly unfinished: readonly Unfinished[];
  /** Plan again no later than this. */
  readonly wakeAt: number | undefined;
}

export interface Unfinished {
  readonly step: AssignmentStep;
  /** What it waits for, under the step's key: to be given back with the next plan. */
  readonly key: string;
  readonly held: Held;
}

export interface Held {
  readonly since: number;
  /** After a refused write: not tried again before, however often the host is planned. */
  readonly retryAt: number;
}

/** By the key of the assignment, or of the object to be deleted. */
export type HeldSteps = ReadonlyMap<string, Held>;

const retryMs = 5_000;

export interface AssignmentsApplier {
  apply(plan: HostPlan, facts: HostFacts | undefined, held: HeldSteps): Promise<AssignmentsDone>;
}

/** One write that a step comes to, or until when it is left alone; `undefined` when there is nothing to do for it. */
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

/** One plan, step by step. Nothing of it outlives the pass but what it answers. */
class Pass {
  readonly #ports: AssignmentPorts;
  readonly #given: Given;
  readonly #unfinished: Unfinished[] = [];
  #wakeAt = Infinity;

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
        if (move.kind === 'hold') this.#hold(step, move.until, this.#before(step)?.retryAt ?? 0);
        else if (!(await limit(() => this.#write(step, move)))) {
          const retryAt = this.#ports.now() + retryMs;
          this.#hold(step, retryAt, retryAt);
        }
      }),
    );
    const wakeAt = this.#wakeAt === Infinity ? undefined : this.#wakeAt;
    return { unfinished: this.#unfinished, wakeAt };
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
    // A confirm has its object already: there is nothing to write until the identity is there.
    if (step.kind === 'confirm' && readiness.kind !== 'assigned') return undefined;
    return toMove(readiness);
  }

  #before(step: AssignmentStep): Held | undefined {
    return this.#given.held.get(holdKey(step));
  }

  #hold(step: AssignmentStep, until: number, retryAt: number): void {
    const since = this.#before(step)?.since ?? this.#ports.now();
    this.#unfinished.push({ step, key: holdKey(step), held: { since, retryAt } });
    this.#wakeAt = Math.min(this.#wakeAt, until);
  }

  async #write(step: AssignmentStep, move: Extract<Move, { kind: 'write' }>): Promise<boolean> {
    const { now, report } = this.#ports;
    const startedAt = now();
    const outcome = await this.#send(step, move.state);
    this.#settle(step, outcome);
    const { state, waiting } = move;
    const result = { step, state, outcome, ms: now() - startedAt, ...(waiting ? { waiting } : {}) };
    report(result, this.#given.plan.host);
    return outcome.kind === 'written' || outcome.kind === 'removed';
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
