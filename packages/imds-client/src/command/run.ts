// Room: the command `imds-client`: arguments to a token or an explanation on standard output.
// It must not print a token with `--explain`, or a secret of the environment at any time.
import { createImdsClient } from '../client.ts';
import { isImdsError, oneLine, type ImdsError } from '../errors.ts';
import { createNodeTransport } from '../node-transport.ts';
import { endpointOf, endpointVariable } from '../settings.ts';
import type { AccessToken, FetchLike } from '../types.ts';
import { version } from '../version.ts';
import type { Env } from './advice.ts';
import { help, parseArguments, type TokenWish } from './arguments.ts';
import {
  explain,
  explainProbe,
  explainTry,
  explainWait,
  refusal,
  tokenAsJson,
  type End,
  type Probe,
} from './report.ts';
import { impatient, patient, type Patience } from './patience.ts';
import { watched, type Try } from './watched.ts';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
  /** Calls again and again, until the returned function is called. */
  readonly every: (ms: number, call: () => void) => () => void;
}

/** The exit code of the command. */
export async function run(surroundings: Surroundings): Promise<number> {
  const { argv, print, printError } = surroundings;
  const wish = parseArguments(argv);
  switch (wish.kind) {
    case 'help':
      print(help);
      return argv.length === 0 ? 2 : 0;
    case 'version':
      print(`${version}\n`);
      return 0;
    case 'problem':
      printError(`${wish.problem}\nimds-client --help lists the options.\n`);
      return 2;
    case 'token':
      return getToken(wish, surroundings).catch((error: unknown) => {
        if (!(error instanceof TypeError)) throw error;
        printError(`${oneLine(error.message)}\n`);
        return 2;
      });
  }
}

async function getToken(wish: TokenWish, surroundings: Surroundings): Promise<number> {
  const { env, print, printError, now, elapsed } = surroundings;
  const asking = createAsking(wish, surroundings);
  if (!wish.isExplained) {
    const { result } = await asking.ask(patient(wish.timeoutMs));
    if (isImdsError(result)) printError(refusal(result));
    else print(tokenAsJson(result, timeOf));
    return isImdsError(result) ? 1 : 0;
  }
  const startedAt = elapsed();
  const probe = await asking.probe();
  const endpoint = `${endpointOf(wish.endpoint)} (${sourceOf(wish.endpoint, env)})`;
  print(explainProbe(endpoint, probe));
  // What the probe took is part of the timeout.
  const leftMs = Math.max(1, Math.round(wish.timeoutMs - (elapsed() - startedAt)));
  const end = await asking.ask(probe.isAvailable ? patient(leftMs) : impatient(leftMs));
  print(explain({ ...end, wish, env, now: now(), timeOf }));
  return isImdsError(end.result) ? 1 : 0;
}

/** The two requests of the command. */
function createAsking(wish: TokenWish, surroundings: Surroundings) {
  const { endpoint, resource, identity, timeoutMs, isExplained } = wish;
  const { print, printError, elapsed, every } = surroundings;
  const transport = createNodeTransport(endpointOf(endpoint));
  const clientOf = (sending: FetchLike, patience: Patience) =>
    createImdsClient({ endpoint, transport: sending, cache: false, ...patience });
  return {
    async probe(): Promise<Probe> {
      const startedAt = elapsed();
      let isPage = false;
      const onTry = (made: Try) => {
        ({ isPage } = made);
      };
      const sending = watched(transport, { elapsed, every, onTry, onWait: () => undefined });
      const isAvailable = await clientOf(sending, patient(timeoutMs)).isAvailable({
        timeoutMs: Math.min(1000, timeoutMs),
      });
      return { isAvailable, ms: elapsed() - startedAt, isPage };
    },
    async ask(patience: Patience): Promise<End> {
      const startedAt = elapsed();
      let number = 1;
      const sending = watched(transport, {
        elapsed,
        every,
        onTry(made) {
          if (isExplained) print(explainTry(number, made));
          else if (made.isFailed) printError(explainTry(number, made));
          number += 1;
        },
        onWait: (ms) => printError(explainWait(number, ms)),
      });
      const result = await clientOf(sending, patience).getToken({ resource, identity }).catch(toImdsError);
      return { result, ms: elapsed() - startedAt };
    },
  };
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function toImdsError(error: unknown): ImdsError | AccessToken {
  if (isImdsError(error)) return error;
  throw error;
}

function sourceOf(option: string | undefined, env: Env): string {
  if (option !== undefined) return '--endpoint';
  return (env[endpointVariable] ?? '') === '' ? 'default' : endpointVariable;
}
