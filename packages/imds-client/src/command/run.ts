// Room: the command `imds-client`: arguments to a token or an explanation on standard output.
// It must not print a token with `--explain`, or a secret of the environment at any time.
import { createImdsClient } from '../client.ts';
import { isImdsError, oneLine, type ImdsError } from '../errors.ts';
import { createNodeTransport } from '../node-transport.ts';
import { endpointOf, endpointVariable } from '../settings.ts';
import type { AccessToken, ImdsClient } from '../types.ts';
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
import { watched, type Try, type Watch } from './watched.ts';

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
  const startedAt = elapsed();
  let patience = patient(wish.timeoutMs);
  if (wish.isExplained) {
    const probe = await probeEndpoint(wish, surroundings);
    print(explainProbe(`${endpointOf(wish.endpoint)} (${sourceOf(wish.endpoint, env)})`, probe));
    // What the probe took is part of the timeout.
    const leftMs = Math.max(1, Math.round(wish.timeoutMs - (elapsed() - startedAt)));
    patience = probe.isAvailable ? patient(leftMs) : impatient(leftMs);
  }
  const end = await requestToken(wish, patience, surroundings);
  if (wish.isExplained) print(explain({ ...end, wish, env, now: now(), timeOf }));
  else if (isImdsError(end.result)) printError(refusal(end.result));
  else print(tokenAsJson(end.result, timeOf));
  return isImdsError(end.result) ? 1 : 0;
}

async function probeEndpoint(wish: TokenWish, { elapsed, every }: Surroundings): Promise<Probe> {
  const startedAt = elapsed();
  let isPage = false;
  const onTry = (made: Try) => {
    ({ isPage } = made);
  };
  const timeoutMs = Math.min(1000, wish.timeoutMs);
  const client = clientOf(wish, { elapsed, every, onTry, onWait: () => undefined }, patient(timeoutMs));
  return { isAvailable: await client.isAvailable({ timeoutMs }), ms: elapsed() - startedAt, isPage };
}

async function requestToken(wish: TokenWish, patience: Patience, surroundings: Surroundings): Promise<End> {
  const { print, printError, elapsed, every } = surroundings;
  const { resource, identity } = wish;
  const startedAt = elapsed();
  let number = 1;
  const onTry = (made: Try) => {
    if (wish.isExplained) print(explainTry(number, made));
    else if (made.isFailed) printError(explainTry(number, made));
    number += 1;
  };
  const onWait = (ms: number) => printError(explainWait(number, ms));
  const client = clientOf(wish, { elapsed, every, onTry, onWait }, patience);
  return {
    result: await client.getToken({ resource, identity }).catch(toImdsError),
    ms: elapsed() - startedAt,
  };
}

function clientOf({ endpoint }: TokenWish, watch: Watch, patience: Patience): ImdsClient {
  const transport = watched(createNodeTransport(endpointOf(endpoint)), watch);
  return createImdsClient({ endpoint, transport, cache: false, ...patience });
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
