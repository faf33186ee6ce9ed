import { parseArgs } from 'node:util';
import { parseRequest } from '../request.ts';
import type { Identity, TokenRequest } from '../types.ts';
import { version } from '../version.ts';

/** What the command line asks for. */
export interface TokenArguments {
  readonly request: TokenRequest;
  readonly endpoint: string | undefined;
  /** For the whole command. */
  readonly timeoutMs: number;
  readonly isExplained: boolean;
}

export const help = `Usage: imds-client token --resource URL [options]

Requests a managed identity token from the metadata service of this machine, or from NMI in its place, and prints it as JSON.
The token is a secret: whoever has it can act as the identity.

  --resource URL      the audience, such as https://vault.azure.net
  --client-id ID      the identity; without one of these three the default identity of the pod or the machine
  --object-id ID
  --resource-id ID
  --explain           print what happened, the claims of the token and advice, and not the token
  --endpoint URL      another metadata service (default: AZURE_POD_IDENTITY_AUTHORITY_HOST, else http://169.254.169.254)
  --timeout SECONDS   for the whole command, 1 to 600 (default: 60)
  --version, --help

Exit code: 0 with a token, 1 without one, 2 for wrong arguments.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = {
  resource: text,
  'client-id': text,
  'object-id': text,
  'resource-id': text,
  endpoint: text,
  timeout: text,
  explain: flag,
  version: flag,
  help: { ...flag, short: 'h' },
} as const;

/**
 * A text is to be printed.
 *
 * @throws TypeError - wrong arguments
 */
export function parseArguments(argv: readonly string[]): TokenArguments | string {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  if (values.help === true || argv.length === 0) return help;
  if (values.version === true) return `${version}\n`;
  const [command = '', other] = positionals;
  if (command !== 'token') throw new TypeError(`the command is token, not ${quoted(command)}`);
  if (other !== undefined) throw new TypeError(`${quoted(other)} is not expected: ${audience}`);
  const { resource, endpoint, timeout = '60', explain: isExplained = false } = values;
  if (resource === undefined) throw new TypeError(`--resource is missing: ${audience}`);
  const request = { resource, identity: identityOf(values) };
  parseRequest(request);
  return { request, endpoint, timeoutMs: millisecondsOf(timeout), isExplained };
}

const audience = 'the audience is given by --resource, such as --resource https://vault.azure.net';

/** The client checks that it is named once. */
function identityOf(values: Partial<Record<'client-id' | 'object-id' | 'resource-id', string>>) {
  const { 'client-id': clientId, 'object-id': objectId, 'resource-id': resourceId } = values;
  const ids = Object.entries({ clientId, objectId, resourceId }).filter(([, id]) => id !== undefined);
  return ids.length === 0 ? undefined : (Object.fromEntries(ids) as unknown as Identity);
}

function millisecondsOf(timeout: string): number {
  const seconds = /^\d{1,3}$/.test(timeout) ? Number(timeout) : 0;
  if (seconds >= 1 && seconds <= 600) return seconds * 1000;
  throw new TypeError(`--timeout must be a whole number of seconds from 1 to 600, not ${quoted(timeout)}`);
}

function quoted(word: string): string {
  return JSON.stringify(word.slice(0, 100));
}
