// Executes those steps of one host's plan that need only the API server; never waits for Azure.
// If the identity is already on the host, the object is written once, as Assigned; other steps are held.
import type { Host } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import { objectKey } from '../plan/diff.ts';
import { podKeyOf } from '../plan/plan.ts';
import type { AssignmentStep, HostPlan } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { podOf } from '../snapshot/keys.ts';
import type { AssignedIdentityWriter, WriteOutcome } from './assigned-identity-writer.ts';
import { assignedView, type WrittenState } from './assigned-object.ts';
import { moveOf, type Move, type Waiting } from './assignment-state.ts';
import type { HostMemory } from './memory.ts';
import type { Mirror } from './mirror.ts';

/** The write of one step and its outcome. */
export interface StepResult {
  readonly step: AssignmentStep;
  readonly state: WrittenState | 'removed';
  readonly waiting?: Waiting;
  readonly outcome: WriteOutcome;
  readonly ms: number;
  /** How often the API server has refused the step in a row before. */
  readonly refusals?: number;
}

interface AssignmentPorts {
  readonly writer: Pick<AssignedIdentityWriter, 'create' | 'update' | 'confirm' | 'remove'>;
  readonly mirror: Pick<Mirror, 'at' | 'wrote' | 'removed' | 'look'>;
  /** Of one host. */
  readonly writesAtOnce: number;
  readonly memory: HostMemory;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly recordAfterMs: number;
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

export type AssignmentsApplier = ReturnType<typeof createAssignmentsApplier>;

export function createAssignmentsApplier(ports: AssignmentPorts) {
  return {
    apply: (plan: HostPlan, facts: HostFacts | undefined, held: HeldSteps) =>
      new Pass(ports, { plan, facts, held }).run(),
  };
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
    if (outcome.kind === 'written' || outcome.kind === 'removed') return;
    const before = this.#before(step);
    const isRefusal = outcome.kind !== 'fenced' && outcome.isRefusal === true;
    const refusals = isRefusal ? (before?.refusals ?? 0) + 1 : 0;
    const retryAt = this.#ports.now() + (isNews(outcome, before) ? 0 : pauseMs(refusals));
    this.#hold(step, retryAt, { retryAt, ...(isRefusal && { refusals }) });
  }

  /** Undefined if there is nothing to do. */
  #moveOf(step: AssignmentStep): Move | undefined {
    const { memory, now, recordAfterMs } = this.#ports;
    const { plan, facts } = this.#given;
    const before = this.#before(step);
    const blockedUntil = before?.retryAt ?? 0;
    if (blockedUntil > now()) return { kind: 'hold', until: blockedUntil };
    if (step.kind === 'delete') return { kind: 'write', state: 'removed' };
    const leaving = plan.host ? memory.leaving(plan.host.id) : none;
    const moment = { plan, facts, leaving, now: now(), heldSince: before?.since, recordAfterMs };
    const move = moveOf(step, moment);
    // A confirm has its object already: nothing to write until the identity is on the host.
    const isAssigned = move.kind === 'write' && move.state === 'Assigned';
    return step.kind === 'confirm' && !isAssigned ? undefined : move;
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
    const { state, waiting } = move;
    const outcome = await this.#settle(step, state, await this.#send(step, writtenState(state)));
    const { refusals } = this.#before(step) ?? {};
    const more = { ...(waiting && { waiting }), ...(refusals !== undefined && { refusals }) };
    report({ step, state, outcome, ms: now() - startedAt, ...more }, this.#given.plan.host);
    return outcome;
  }

  #send(step: AssignmentStep, state: WrittenState): Promise<WriteOutcome> {
    const { writer } = this.#ports;
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

  async #settle(
    step: AssignmentStep,
    state: StepResult['state'],
    outcome: WriteOutcome,
  ): Promise<WriteOutcome> {
    const { mirror } = this.#ports;
    if (outcome.kind === 'written' && step.kind !== 'delete')
      mirror.wrote(assignedView(step.assignment, writtenState(state), outcome));
    if (outcome.kind === 'removed' && step.kind !== 'create') mirror.removed(step.current);
    if (outcome.kind !== 'stale' || isUnknownLeftover(step, mirror)) return outcome;
    const isTaken = await this.#look(step, objectKey(step));
    return isTaken && step.kind === 'create' ? { ...outcome, message: nameTaken, isRefusal: true } : outcome;
  }

  /** Reads the object. Returns whether it belongs to another pod. */
  async #look(step: AssignmentStep, key: string): Promise<boolean> {
    const { mirror, signal } = this.#ports;
    try {
      const exists = await mirror.look(key, podKeyOf(step), signal);
      const view = mirror.at(key);
      return exists && (!view || podOf(view) !== podKeyOf(step));
    } catch (error) {
      // It is read again after the next attempt.
      if (error instanceof KubeError) return false;
      throw error;
    }
  }
}

/** The removal of an object that MIC does not know: the next list handles it. If it were kept, editors could fill MIC's memory, and choose the pod in whose plan it is removed. */
function isUnknownLeftover(step: AssignmentStep, mirror: Pick<Mirror, 'at'>): boolean {
  return step.kind === 'delete' && mirror.at(objectKey(step)) === undefined;
}

/** Whether the object has just been read, so that the next plan knows its state. False if it had changed at the last attempt too. */
function isNews({ kind }: WriteOutcome, before: Held | undefined): boolean {
  return kind === 'stale' && (before?.retryAt ?? 0) === 0;
}

function pauseMs(refusals: number): number {
  return Math.min(longestRetryMs, retryMs * 2 ** Math.max(0, refusals - 1));
}

function writtenState(state: StepResult['state']): WrittenState {
  return state === 'Created' ? 'Created' : 'Assigned';
}

const nameTaken = 'its name is taken by another pod';

const none: ReadonlySet<never> = new Set();

function holdKey(step: AssignmentStep): string {
  return step.kind === 'delete' ? objectKey(step) : step.assignment.key;
}
