// Room: the command `imds-client`: arguments to a token or an explanation on standard output.
// It must not print a token with `--explain`, or a secret of the environment at any time.
import { createImdsClient } from '../client.ts';
import { isImdsError } from '../errors.ts';
import { oneLine } from '../text.ts';
import { createNodeTransport } from '../node-transport.ts';
import { endpointOf, endpointVariable } from '../settings.ts';
import type { ImdsClientOptions } from '../types.ts';
import { differences, type Env } from './advice.ts';
import { parseArguments, type TokenArguments } from './arguments.ts';
import { explainRefusal, explainToken, line, refusal, tokenAsJson } from './report.ts';
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
  try {
    const tokenArguments = parseArguments(argv);
    if (typeof tokenArguments !== 'string') return await getToken(tokenArguments, surroundings);
    print(tokenArguments);
    return argv.length === 0 ? 2 : 0;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    printError(`${oneLine(error.message.slice(0, 300))}\nimds-client --help lists the options.\n`);
    return 2;
  }
}

async function getToken(tokenArguments: TokenArguments, surroundings: Surroundings): Promise<number> {
  const { env, print, printError, now, elapsed } = surroundings;
  const patience = await patienceOf(tokenArguments, surroundings);
  const startedAt = elapsed();
  let code = 0;
  try {
    const result = await clientOf(tokenArguments, patience, surroundings).getToken(tokenArguments.request);
    const end = { result, ms: elapsed() - startedAt, now: now(), timeOf };
    print(tokenArguments.isExplained ? explainToken(end) : tokenAsJson(result, timeOf));
  } catch (error) {
    if (!isImdsError(error)) throw error;
    if (tokenArguments.isExplained) print(explainRefusal(error));
    else printError(refusal(error));
    code = 1;
  }
  if (tokenArguments.isExplained)
    for (const advice of differences(env, tokenArguments.request)) print(line('advice', advice));
  return code;
}

/** How long the command waits. A metadata service holds a request while an identity is being assigned, so one may take all of the time. */
async function patienceOf(
  tokenArguments: TokenArguments,
  { env, print, elapsed }: Surroundings,
): Promise<ImdsClientOptions> {
  const { endpoint, timeoutMs, isExplained } = tokenArguments;
  if (!isExplained) return { requestTimeoutMs: timeoutMs, deadlineMs: timeoutMs };
  const startedAt = elapsed();
  const isThere = await createImdsClient({ endpoint }).isAvailable({ timeoutMs: Math.min(1000, timeoutMs) });
  const ms = elapsed() - startedAt;
  print(line('endpoint', `${endpointOf(endpoint)} (${sourceOf(endpoint, env)})`));
  print(line('probe', `${isThere ? 'a' : 'no'} metadata service answers, after ${Math.round(ms)} ms`));
  const leftMs = Math.max(1, Math.round(timeoutMs - ms));
  if (isThere) return { requestTimeoutMs: leftMs, deadlineMs: leftMs };
  // One retry, and an end within 15 seconds, of which the probe takes one.
  return { requestTimeoutMs: Math.min(leftMs, 5_000), deadlineMs: Math.min(leftMs, 13_000), maxRetries: 1 };
}

function clientOf({ endpoint, isExplained }: TokenArguments, patience: ImdsClientOptions, at: Surroundings) {
  let number = 1;
  const onTry = ({ ms, result, isFailed }: Try) => {
    const text = line(`request ${number}`, `${result}, after ${Math.round(ms)} ms`);
    if (isExplained) at.print(text);
    else if (isFailed) at.printError(text);
    number += 1;
  };
  const onWait = (ms: number) =>
    at.printError(line(`request ${number}`, `no response yet, after ${Math.round(ms / 1000)} s`));
  const transport = watched(createNodeTransport(endpointOf(endpoint)), { ...at, onTry, onWait });
  return createImdsClient({ endpoint, transport, cache: false, ...patience });
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function sourceOf(option: string | undefined, env: Env): string {
  if (option !== undefined) return '--endpoint';
  return (env[endpointVariable] ?? '') === '' ? 'default' : endpointVariable;
}
