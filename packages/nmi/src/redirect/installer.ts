// Room: the rules that lead pods' calls to NMI: nftables and routes. Rules are values.
// It must not let calls past NMI when it ends; only run-program.ts may start a program, and never with a shell.
import { createBackoff } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import type { RuleTable } from './nftables.ts';
import { isBusy, ProgramError } from './run-program.ts';

export interface RedirectOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly rules: RuleTable;
  readonly everyMs: number;
  /** Called each time after the rules were written. */
  readonly afterInstall?: () => Promise<void>;
  /** Called when rules that had been right were written again. */
  readonly onRepaired?: () => void;
  /** Sets what the rules need in the kernel; a text says what could not be set. */
  readonly prepareKernel?: () => Promise<string | undefined>;
}

export type Redirect = ReturnType<typeof createRedirect>;

export const notYet = 'the redirect rules are not in place yet';

const withoutJitter = { jitter: 0, random: () => 0 };

/**
 * Maintains the redirect rules. They stay when this program ends: while no agent runs, calls are refused by the closed port instead of
 * being answered by the metadata service, with any identity of the machine.
 */
export function createRedirect(options: RedirectOptions) {
  const { rules, everyMs, clock, log, prepareKernel = () => Promise.resolve(undefined) } = options;
  const state = { isInstalled: false, wasInstalled: false };
  let problem: string | undefined = notYet;
  const patience = createBackoff({ baseMs: Math.min(250, everyMs), capMs: everyMs, ...withoutJitter });

  /** Checks the rules and repairs them; fails if that is not possible. Returns what the kernel lacks. */
  const check = async () => {
    if (!(await rules.isRight())) await install(options, state);
    state.isInstalled = true;
    state.wasInstalled = true;
    return prepareKernel();
  };
  /** Logs only changes. */
  const report = (now: string | undefined, level: 'warn' | 'error' = 'error') => {
    const before = problem;
    problem = now;
    if (now === before) return;
    if (now !== undefined) log[level]({}, now);
    else if (before !== notYet) log.info({}, 'redirect rules are in place again');
  };

  /** Returns the milliseconds until the next check. */
  const attempt = async (): Promise<number> => {
    try {
      report(await check());
      patience.reset();
      return everyMs;
    } catch (error) {
      if (!isBusy(error)) {
        state.isInstalled = false;
        report(describe(error));
        return everyMs;
      }
      // The lock is held by another program. Rules that were in place are assumed to be so.
      if (!state.isInstalled) report(describe(error), 'warn');
      return patience.next();
    }
  };

  return {
    /** The rules were right at the last check. */
    isInstalled: () => state.isInstalled,
    /** Why calls of pods do not reach NMI, with the remedy. */
    problem: () => problem,
    check,
    /** Checks and repairs until the signal aborts. The rules stay then. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) await clock.sleep(await attempt(), signal).catch(() => undefined);
    },
  };
}

async function install(
  { rules, log, afterInstall = () => Promise.resolve(), onRepaired = () => undefined }: RedirectOptions,
  { wasInstalled }: { readonly wasInstalled: boolean },
): Promise<void> {
  await rules.install();
  // In case another program keeps removing the rules.
  if (!(await rules.isRight()) && !(await repeated(rules)))
    throw new Error('the rules that were written are not there: something else removes them');
  await afterInstall();
  if (wasInstalled) onRepaired();
  log.info(
    {},
    wasInstalled ? 'redirect rules were changed by somebody, put right' : 'redirect rules installed',
  );
}

async function repeated(rules: RuleTable): Promise<boolean> {
  await rules.install();
  return rules.isRight();
}

function describe(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  const needed =
    error instanceof ProgramError
      ? ': the agent needs nft, the capability NET_ADMIN, user 0 and a kernel with nf_tables'
      : '';
  return `the redirect rules cannot be kept: ${detail}${needed}`;
}
