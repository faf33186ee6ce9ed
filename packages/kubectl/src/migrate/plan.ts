// Room: `migrate`: where a cluster stands between the original, this project and workload identity, and the steps to go on or back, as values.
// It must not write anything without `--apply`, or write over what somebody else changed after the plan was made.
import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import { printable } from '@pod-identity/kit/core';
import { applyHead, commandsOf, undoCommandsOf, type Write } from './writes.ts';

/** What `--apply` does for a step. */
export type Action =
  /** Then until each of these ServiceAccounts has its right, which it gets some time after the role. */
  | { readonly kind: 'write'; readonly writes: readonly Write[]; readonly rights?: readonly Right[] }
  /** An exchange by the broker; if the user wants that (`--run-az`) and it fails, once more after `az`. */
  | { readonly kind: 'exchange'; readonly az: readonly string[] | undefined; readonly exchange: Exchange }
  /** Until MIC has recorded for each pod that the machine has its identity by this AzureIdentity. */
  | { readonly kind: 'until-assigned'; readonly identity: string }
  /** Whether NMI would give these pods a token. */
  | { readonly kind: 'served'; readonly pods: readonly string[] }
  | { readonly kind: 'run-az'; readonly az: readonly string[] };

/** One exchange by the broker, in one of its pods. */
export interface Exchange {
  readonly namespace: string;
  readonly name: string;
  /** `<tenant>/<client id>`. */
  readonly identity: string;
}

export interface Right {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
}

/** `by hand`: not by this command, or not without a further option. `blocked`: nothing is written while a step is blocked. */
export type StepState = 'done' | 'to do' | 'by hand' | 'blocked';

export interface Step {
  /** For programs that read the plan. */
  readonly id: string;
  readonly title: string;
  readonly state: StepState;
  /** Why it is blocked or by hand, or what was found. */
  readonly why?: string;
  /** For a shell: what the step does. */
  readonly commands?: readonly string[];
  /** For a shell: what undoes it. */
  readonly back?: readonly string[];
  readonly action?: Action;
}

type Head = Pick<Step, 'id' | 'title'>;

export const done = (head: Head, why?: string): Step => ({
  ...head,
  state: 'done',
  ...(why !== undefined && { why }),
});

export const blocked = (head: Head, why: string): Step => ({ ...head, state: 'blocked', why });

/** What is given of it counts instead of what its writes say. */
export const writeStep = (head: Head & Partial<Step>, writes: readonly Write[]): Step => ({
  state: 'to do',
  commands: commandsOf(writes),
  back: undoCommandsOf(writes),
  action: { kind: 'write', writes },
  ...head,
});

export interface Plan {
  readonly name: 'to-ours' | 'to-federated' | 'to-attached' | 'to-workload-identity';
  /** `namespace/name`; empty for the cluster. */
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

/** For a terminal. Commands are not indented, so that they can be pasted with the texts that they have as input. */
export function planLines({ title, steps, notes, back }: Plan): readonly string[] {
  return [
    title,
    ...steps.flatMap((step, at) => stepLines(step, at + 1)),
    ...notes.map((note) => `note: ${note}`),
    ...(back === '' ? [] : [`back: ${back}`]),
  ];
}

function stepLines({ title, state, why, commands = [], back = [] }: Step, number: number): readonly string[] {
  const head = [`${marks[state]} ${number}. ${title}`, ...(why === undefined ? [] : [`      ${why}`])];
  if (state === 'done') return head;
  return [
    ...head,
    ...commands.flatMap(linesOf),
    ...(back.length === 0 ? [] : ['      undone by:', ...back.flatMap(linesOf)]),
  ];
}

/** Only objects that are its input have lines of their own: a word that an editor wrote must not look like the next command. */
export const linesOf = (command: string): readonly string[] =>
  command.startsWith(applyHead) ? command.split('\n') : [printable(command)];

/** For `-o json`: without what only `--apply` needs. */
export const planObject = ({ steps, ...plan }: Plan): object => ({
  ...plan,
  steps: steps.map(({ id, title, state, why, commands = [], back = [] }) => {
    const reason = why !== undefined && { why };
    return { id, title, state, ...reason, commands, back };
  }),
});
