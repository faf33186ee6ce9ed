// Room: `migrate`: where a cluster stands between the original, this project and workload identity, and the steps to go on or back, as values.
// It must not write anything, or show the commands of a step while one before it is to be done: pasted too early they would take tokens away.
import { printable } from '@pod-identity/kit/core';
import { applyHead } from './writes.ts';

/** `by hand`: whether it is done can't be seen in the cluster, so that those after it don't wait for it. */
type StepState = 'done' | 'to do' | 'by hand' | 'blocked';

export interface Step {
  /** For programs that read the plan. */
  readonly id: string;
  readonly title: string;
  readonly state: StepState;
  /** Why it is blocked or by hand, or what was found. */
  readonly why?: string;
  /** For a shell. */
  readonly commands?: readonly string[];
}

type Head = Pick<Step, 'id' | 'title'>;

export const done = (head: Head, why?: string): Step => ({
  ...head,
  state: 'done',
  ...(why !== undefined && { why }),
});

export const blocked = (head: Head, why: string): Step => ({ ...head, state: 'blocked', why });

export const byHand = (head: Head, why: string, commands: readonly string[] = []): Step => ({
  ...head,
  state: 'by hand',
  why,
  commands,
});

export const toDo = (head: Head & Pick<Step, 'why'>, ...commands: readonly string[]): Step => ({
  ...head,
  commands,
  state: 'to do',
});

export interface Plan {
  readonly name: 'to-federated' | 'to-attached' | 'to-workload-identity';
  /** `namespace/name` */
  readonly subject: string;
  readonly title: string;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
  /** The way back after all steps. */
  readonly back: string;
}

/** The command of this plug-in. */
export const plugIn = (words: string) => `kubectl azure-pod-identity ${words}`;

export const isBlocked = ({ steps }: Plan) => steps.some(({ state }) => state === 'blocked');

const marks: Readonly<Record<StepState, string>> = { done: '✓', 'to do': '·', 'by hand': '…', blocked: '✗' };

/** The commands of the next step alone: the same call shows those of the one after it once that is done. Those of blocked steps say how to go on. */
function untilNext(steps: readonly Step[]) {
  const next = steps.findIndex(({ state }) => state === 'to do' || state === 'blocked');
  return steps.map((step, at) => {
    const isHidden = step.state === 'done' || (next !== -1 && at > next && step.state !== 'blocked');
    return { ...step, commands: isHidden ? [] : (step.commands ?? []) };
  });
}

/** For a terminal. Commands are not indented, so that they can be pasted with the texts that they have as input. */
export function planLines({ title, steps, notes, back }: Plan): readonly string[] {
  const lines = untilNext(steps).flatMap((step, at) => [
    `${marks[step.state]} ${at + 1}. ${step.title}`,
    ...(step.why === undefined ? [] : [`      ${step.why}`]),
    ...step.commands.flatMap(linesOf),
  ]);
  return [title, ...lines, ...notes.map((note) => `note: ${note}`), `back: ${back}`];
}

/** Only objects that are its input have lines of their own: a word that an editor wrote must not look like the next command. */
const linesOf = (command: string): readonly string[] =>
  command.startsWith(applyHead) ? command.split('\n') : [printable(command)];

/** For `-o json`. */
export const planObject = ({ steps, ...plan }: Plan): object => ({ ...plan, steps: untilNext(steps) });
