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
import { explain, refusal, tokenAsJson, type Try } from './report.ts';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
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

async function getToken(wish: TokenWish, { env, print, printError, elapsed }: Surroundings): Promise<number> {
  const { tries, transport } = noted(createNodeTransport(endpointOf(wish.endpoint), 1), elapsed);
  const { endpoint, timeoutMs, resource, identity } = wish;
  const clientFor = (ms: number) =>
    createImdsClient({ endpoint, transport, cache: false, requestTimeoutMs: ms, deadlineMs: ms });
  if (!wish.isExplained) {
    const result = await clientFor(timeoutMs).getToken({ resource, identity }).catch(toImdsError);
    if (isImdsError(result)) printError(refusal(result));
    else print(tokenAsJson(result, timeOf));
    return isImdsError(result) ? 1 : 0;
  }
  const startedAt = elapsed();
  const isAvailable = await clientFor(timeoutMs).isAvailable({ timeoutMs: Math.min(1000, timeoutMs) });
  const probe = { isAvailable, ms: elapsed() - startedAt };
  // The first one is the probe.
  tries.length = 0;
  const askedAt = elapsed();
  // What the probe took is part of the timeout.
  const leftMs = Math.max(1, Math.round(timeoutMs - probe.ms));
  const result = await clientFor(leftMs).getToken({ resource, identity }).catch(toImdsError);
  const ms = elapsed() - askedAt;
  const shown = `${endpointOf(endpoint)} (${sourceOf(endpoint, env)})`;
  print(explain({ wish, env, endpoint: shown, probe, tries, ms, result, now: Date.now(), timeOf }));
  return isImdsError(result) ? 1 : 0;
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

/** The transport, and what it was used for. */
function noted(transport: FetchLike, elapsed: () => number): { tries: Try[]; transport: FetchLike } {
  const tries: Try[] = [];
  return {
    tries,
    transport: async (url, init) => {
      const startedAt = elapsed();
      const note = (result: string) => void tries.push({ ms: elapsed() - startedAt, result });
      try {
        const response = await transport(url, init);
        const retryAfter = response.headers.get('retry-after');
        note(
          `status ${response.status}${retryAfter === null ? '' : `, Retry-After ${retryAfter.slice(0, 50)}`}`,
        );
        return response;
      } catch (error) {
        note(`no response: ${(error as NodeJS.ErrnoException).code ?? 'given up'}`);
        throw error;
      }
    },
  };
}
