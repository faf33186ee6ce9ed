// Room: the rules that lead pods' calls to NMI: nftables, iptables, routes. Rules are values.
// It must not let calls past NMI when it ends; only run-program.ts may start a program, and never with a shell.
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { Firewall } from './firewall.ts';
import { isBusy } from './run-program.ts';

export interface RedirectOptions {
  readonly firewall: Firewall;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** After the rules were written, the first time or again. */
  readonly afterInstall?: () => Promise<void>;
  /** Looks after what the rules need of the kernel; a text says what is not as it must be. */
  readonly prepareKernel?: () => Promise<string | undefined>;
}

export interface Redirect {
  /** The rules were right when last looked at. */
  isInPlace(): boolean;
  /** What keeps calls of pods from getting here, with its remedy. */
  problem(): string | undefined;
  /** One look, and a repair if need be; fails when that is not possible. Returns what the kernel still lacks. */
  check(): Promise<string | undefined>;
  /** Keeps the rules in place until the signal aborts. They stay when it does. */
  keep(signal: AbortSignal): Promise<void>;
}

const notYet = 'the redirect rules are not in place yet';

const withoutJitter = { jitter: 0, random: () => 0 };

/**
 * Keeps the redirect rules as they must be. They stay when this program ends: while no agent runs, a call is refused by
 * the empty port instead of being answered by the machine's own service, with any identity of the machine.
 */
export function createRedirect(options: RedirectOptions): Redirect {
  const { firewall, everyMs, clock, log, prepareKernel = () => Promise.resolve(undefined) } = options;
  const state = { isInPlace: false, wasInstalled: false };
  let problem: string | undefined = notYet;
  const patience = createBackoff({ baseMs: Math.min(250, everyMs), capMs: everyMs, ...withoutJitter });

  const check = async () => {
    if (!(await firewall.isRight())) await install(options, state);
    state.isInPlace = true;
    state.wasInstalled = true;
    return prepareKernel();
  };
  /** Only news: what goes on for hours fills no log. */
  const tell = (now: string | undefined, level: 'warn' | 'error' = 'error') => {
    const before = problem;
    problem = now;
    if (now === before) return;
    if (now !== undefined) log[level]({ firewall: firewall.name }, now);
    else if (before !== notYet) log.info({ firewall: firewall.name }, 'redirect rules are in place again');
  };

  /** Returns when to look again. */
  const attempt = async (): Promise<number> => {
    try {
      tell(await check());
      patience.reset();
      return everyMs;
    } catch (error) {
      if (!isBusy(error)) {
        state.isInPlace = false;
        tell(describe(error));
        return everyMs;
      }
      // Rules don't go because somebody holds the lock: what was in place is believed to be.
      if (!state.isInPlace) tell(describe(error), 'warn');
      return patience.next();
    }
  };

  return {
    isInPlace: () => state.isInPlace,
    problem: () => problem,
    check,
    async keep(signal) {
      while (!signal.aborted) await clock.sleep(await attempt(), signal).catch(() => undefined);
    },
  };
}

async function install(
  { firewall, log, afterInstall = () => Promise.resolve() }: RedirectOptions,
  { wasInstalled }: { readonly wasInstalled: boolean },
): Promise<void> {
  await firewall.install();
  // Somebody who removes rules all the time must not have us believe that they are there.
  if (!(await firewall.isRight()) && !(await repeated(firewall)))
    throw new Error(
      `the rules that were written to ${firewall.name} are not there: something else removes them`,
    );
  await afterInstall();
  log.info(
    { firewall: firewall.name },
    wasInstalled ? 'redirect rules were changed by somebody, put right' : 'redirect rules installed',
  );
}

async function repeated(firewall: Firewall): Promise<boolean> {
  await firewall.install();
  return firewall.isRight();
}

function describe(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  return `the redirect rules cannot be kept: ${detail}`;
}
