// Carries out a plan step by step, with a progress list, and says where it stopped and how to go on or back.
import { Listr } from 'listr2';
import { printable } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import { exitCodes, type Session } from '../cli/command.ts';
import { isForPrograms } from '../print/output.ts';
import { applyAction, type ActionContext } from './apply-action.ts';
import { StepError } from './write-object.ts';
import { isBlocked, linesOf, type Plan, type Step } from './plan.ts';
import { missingRights, rightsOf } from './rights.ts';

export interface Applied {
  readonly code: number;
  /** The result of each step by its id: `done`, `stopped` or `not done`. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly message?: string;
}

type Outcome = 'done' | 'stopped' | 'not done';

export interface ApplyOptions {
  readonly session: Session;
  readonly isAzRun: boolean;
  /** Of the whole command, to run again. */
  readonly again: string;
}

/** Resolves to 130 after Ctrl-C, as shells say it. */
const interruptedCode = 130;

export async function applyPlan(plan: Plan, options: ApplyOptions): Promise<Applied> {
  const { session } = options;
  if (isBlocked(plan)) return refuse(exitCodes.problem, 'a step is blocked');
  const missing = await missingRights(rightsOf(plan), session);
  if (missing.length > 0) return refuse(exitCodes.unknown, `you may not ${missing.join('; ')}`);
  return carryOut(plan, options);

  function refuse(code: number, why: string): Applied {
    const message = `nothing was written: ${why}`;
    session.err(message);
    return { code, outcomes: outcomesOf(plan, new Map()), message };
  }
}

async function carryOut(plan: Plan, options: ApplyOptions): Promise<Applied> {
  const { session } = options;
  const results = new Map<Step, Outcome>();
  const tasks = plan.steps.map((step) => ({
    title: printable(step.title),
    skip: step.state === 'by hand' && step.action === undefined && printable(step.why ?? 'by hand'),
    task: async (_: unknown, task: { output: string }) => {
      const notify = (text: string) => void (task.output = printable(text));
      results.set(step, 'stopped');
      await performStep(step, { ...options, notify }).catch((error: unknown) => {
        throw new StepError(messageOf(error, session));
      });
      results.set(step, 'done');
    },
  }));
  const list = new Listr(tasks, {
    // Ctrl-C is this program's own business: a write that has begun is waited for.
    registerSignalListeners: false,
    silentRendererCondition: isForPrograms(session),
    fallbackRendererCondition: !session.terminal.isTerminal,
    fallbackRenderer: 'simple',
  });
  try {
    await list.run();
    return { code: exitCodes.ok, outcomes: outcomesOf(plan, results) };
  } catch (error) {
    const message = messageOf(error, session);
    for (const line of stopLines(plan, { results, message, again: options.again })) session.err(line);
    const code = session.signal.aborted ? interruptedCode : exitCodes.problem;
    return { code, outcomes: outcomesOf(plan, results), message };
  }
}

async function performStep({ state, action }: Step, context: ActionContext): Promise<void> {
  if (state === 'done' || action === undefined) return;
  const { signal, clock } = context.session;
  signal.throwIfAborted();
  await orSoonAfter(signal, clock, applyAction(action, context));
}

/** After Ctrl-C a write that has begun has a moment to end. */
const momentMs = 1_500;

async function orSoonAfter(signal: AbortSignal, clock: Session['clock'], work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const end = () =>
    void clock.after(momentMs, () =>
      reject(new StepError('interrupted; whether the last write was carried out is not known')),
    );
  signal.addEventListener('abort', end, { once: true });
  await Promise.race([work, late]).finally(() => signal.removeEventListener('abort', end));
}

function messageOf(error: unknown, { signal, kube }: Session): string {
  if (error instanceof StepError) return error.message;
  if (signal.aborted) return 'interrupted';
  if (error instanceof KubeError) return `the API server ${kube.server} gave no answer: ${error.message}`;
  throw error;
}

function outcomesOf({ steps }: Plan, results: ReadonlyMap<Step, Outcome>): Applied['outcomes'] {
  return Object.fromEntries(
    steps.map((step) => [step.id, results.get(step) ?? (step.state === 'done' ? 'done' : 'not done')]),
  );
}

interface Stop {
  readonly results: ReadonlyMap<Step, Outcome>;
  readonly message: string;
  readonly again: string;
}

function stopLines({ steps }: Plan, { results, message, again }: Stop): readonly string[] {
  const written = steps.filter((step) => step.state === 'to do' && results.get(step) === 'done');
  const left = steps.filter((step) => step.state !== 'done' && results.get(step) !== 'done');
  const titles = (of: readonly Step[]) => of.map(({ title }) => `  ${title}`);
  const back = written.toReversed().flatMap((step) => step.back ?? []);
  return [
    ...`stopped: ${message}`.split('\n'),
    ...(written.length === 0 ? ['nothing was done'] : ['done:', ...titles(written)]),
    ...['not done:', ...titles(left)],
    ...(back.length === 0 ? [] : ['the way back:', ...back.flatMap(linesOf)]),
    `to go on from here: ${again}`,
  ];
}
