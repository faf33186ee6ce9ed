// Room: the command `imds-client`: arguments to a token or an explanation on standard output.
// It must not print a token with `--explain`, or a secret of the environment at any time.
import { createImdsClient } from '../client.ts';
import { isImdsError } from '../errors.ts';
import { createNodeTransport } from '../node-transport.ts';
import { endpointOf, endpointVariable } from '../settings.ts';
import { oneLine } from '../text.ts';
import type { FetchLike, ImdsClientOptions } from '../types.ts';
import { parseArguments, type TokenArguments } from './arguments.ts';
import { explainRefusal, explainToken, line, refusal, tokenAsJson } from './report.ts';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
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

async function getToken(given: TokenArguments, surroundings: Surroundings): Promise<number> {
  const { print, printError, now, elapsed } = surroundings;
  const { request, endpoint, isExplained } = given;
  const patience = await patienceOf(given, surroundings);
  const transport = watched(given, surroundings);
  const startedAt = elapsed();
  let code = 0;
  try {
    const result = await createImdsClient({ endpoint, transport, cache: false, ...patience }).getToken(
      request,
    );
    const end = { result, ms: elapsed() - startedAt, now: now(), timeOf };
    print(isExplained ? explainToken(end) : tokenAsJson(result, timeOf));
  } catch (error) {
    if (!isImdsError(error)) throw error;
    if (isExplained) print(explainRefusal(error));
    else printError(refusal(error));
    code = 1;
  }
  if (isExplained) print(line('advice', otherCredentials));
  return code;
}

/** How long the command waits. A metadata service holds a request while an identity is being assigned, so one may take all of the time. */
async function patienceOf(
  given: TokenArguments,
  { env, print, elapsed }: Surroundings,
): Promise<ImdsClientOptions> {
  const { endpoint, timeoutMs, isExplained } = given;
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

/** The one difference that puzzles most. */
const otherCredentials =
  'DefaultAzureCredential may do otherwise: it reads AZURE_CLIENT_ID and other variables of the environment, and uses proxies.';

/** The default transport, which prints what it is used for. */
function watched({ endpoint, isExplained }: TokenArguments, at: Surroundings): FetchLike {
  const transport = createNodeTransport(endpointOf(endpoint));
  const print = isExplained ? at.print : at.printError;
  let count = 0;
  return async (url, init) => {
    count += 1;
    const [name, startedAt] = [`request ${count}`, at.elapsed()];
    const note = (what: string) =>
      print(line(name, `${what}, after ${Math.round(at.elapsed() - startedAt)} ms`));
    try {
      const response = await transport(url, init);
      const retryAfter = response.headers.get('retry-after');
      const more = retryAfter === null ? '' : `, Retry-After ${retryAfter.slice(0, 50)}`;
      if (isExplained || response.status !== 200) note(`status ${response.status}${more}`);
      return response;
    } catch (error) {
      note(`no response: ${(error as NodeJS.ErrnoException).code ?? 'given up'}`);
      throw error;
    }
  };
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function sourceOf(option: string | undefined, env: Surroundings['env']): string {
  if (option !== undefined) return '--endpoint';
  return (env[endpointVariable] ?? '') === '' ? 'default' : endpointVariable;
}
