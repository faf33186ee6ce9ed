import { execFile } from 'node:child_process';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import { chain, restoreInput, type Listing, type RedirectTarget } from './rules.ts';

export interface RedirectOptions {
  readonly target: RedirectTarget;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs a program and answers what it printed. */
  readonly run?: RunProgram;
}

export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<string>;

export interface Redirect {
  isInPlace(): boolean;
  /** Keeps the rules in place until the signal aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/**
 * Keeps the redirect rules as they must be. They stay when this program ends: while no agent runs, a call is refused
 * by the empty port instead of being answered by the machine's own service, with any identity of the machine.
 */
export function createRedirect(options: RedirectOptions): Redirect {
  const { target, everyMs, clock, log, run = runProgram } = options;
  let isInPlace = false;

  const check = async () => {
    const input = restoreInput(await list(run), target);
    if (input === undefined) return;
    await run('iptables-restore', ['--noflush', '--wait'], input);
    log.info(
      { chain },
      isInPlace ? 'redirect rules were changed by somebody, put right' : 'redirect rules installed',
    );
  };

  return {
    isInPlace: () => isInPlace,
    async keep(signal) {
      while (!signal.aborted) {
        try {
          await check();
          isInPlace = true;
        } catch (error) {
          isInPlace = false;
          log.error({ error }, 'redirect rules could not be checked');
        }
        await clock.sleep(everyMs, signal).catch(() => undefined);
      }
    },
  };
}

async function list(run: RunProgram): Promise<Listing> {
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  const table = lines(await run('iptables', ['--wait', '-t', 'nat', '-S']));
  return {
    chain: table.filter((line) => line.startsWith(`-A ${chain} `)),
    prerouting: table.filter((line) => line.startsWith('-A PREROUTING ')),
  };
}

const runProgram: RunProgram = (program, args, input) =>
  new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr.trim()}`, { cause: error }));
      else resolve(stdout);
    });
    child.stdin?.end(input ?? '');
  });
