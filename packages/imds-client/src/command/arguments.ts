import { shownJson } from './shown.ts';
import type { Identity } from '../types.ts';

/** What the command line asks for; `problem`: what is wrong with it. */
export type Wish =
  { readonly kind: 'help' | 'version' } | TokenWish | { readonly kind: 'problem'; readonly problem: string };

export interface TokenWish {
  readonly kind: 'token';
  readonly resource: string;
  readonly identity: Identity | undefined;
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

const names = ['resource', 'client-id', 'object-id', 'resource-id', 'endpoint', 'timeout'] as const;
type Name = (typeof names)[number];
type Values = Partial<Record<Name, string>>;

export function parseArguments(argv: readonly string[]): Wish {
  if (argv.length === 0 || argv.some((one) => one === '--help' || one === '-h')) return { kind: 'help' };
  if (argv[0] === '--version') return { kind: 'version' };
  const [command, ...rest] = argv;
  if (command !== 'token') return problem(`the command is token, not ${quoted(command ?? '')}`);
  const values = parseOptions(rest.filter((one) => one !== '--explain'));
  if (typeof values === 'string') return problem(values);
  return wishOf(values, rest.includes('--explain'));
}

/** The options by name, or what is wrong. */
function parseOptions(words: readonly string[]): Values | string {
  const values: Values = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [spelled = '', ...inline] = word.split('=');
    const name = names.find((one) => `--${one}` === spelled);
    if (name === undefined) return problemOfWord(word, spelled, values.resource !== undefined);
    if (values[name] !== undefined) return `--${name} must be given once`;
    const isInline = inline.length > 0;
    if (!isInline) at += 1;
    const value = isInline ? inline.join('=') : valueFrom(words[at]);
    if (value === '') return `--${name} must have a value`;
    values[name] = value;
  }
  return values;
}

const audience = 'the audience is given by --resource, such as --resource https://vault.azure.net';

/** Why a word that stands where an option must be is none; with the option that is meant, if it can be told. */
function problemOfWord(word: string, spelled: string, hasResource: boolean): string {
  if (spelled === '--explain') return '--explain has no value: give --explain alone, or leave it out';
  if (!word.startsWith('-'))
    return `no option is before ${quoted(word)}${hasResource ? '' : `: ${audience}`}`;
  const unknown = `there is no option ${quoted(word)}`;
  const meant = names.find((one) => lettersOf(one) === lettersOf(spelled));
  if (meant !== undefined) return `${unknown}: it is --${meant}`;
  return /^(scopes?|audience)$/.test(lettersOf(spelled)) ? `${unknown}: ${audience}` : unknown;
}

/** As far as an option is recognised by: other programs write --clientId or --client_id. */
function lettersOf(name: string): string {
  return name.slice(0, 100).replace(/[-_]/g, '').toLowerCase();
}

/** The word after an option; nothing if that is an option itself. */
function valueFrom(word = ''): string {
  return word.startsWith('--') ? '' : word;
}

function wishOf(values: Values, isExplained: boolean): Wish {
  const { resource, endpoint, timeout = '60' } = values;
  const seconds = /^\d{1,3}$/.test(timeout) ? Number(timeout) : 0;
  if (resource === undefined)
    return problem('--resource is missing, such as --resource https://vault.azure.net');
  const scope = /\/\.default[\s/]*$/i.exec(resource)?.[0];
  if (scope !== undefined)
    return problem(`--resource must be an audience, not a scope: leave out ${quoted(scope)}`);
  if (seconds < 1 || seconds > 600) {
    return problem(`--timeout must be a whole number of seconds from 1 to 600, not ${quoted(timeout)}`);
  }
  const [identity, other] = identitiesOf(values);
  if (other) return problem('the identity must be named once: by --client-id, --object-id or --resource-id');
  return { kind: 'token', resource, identity, endpoint, timeoutMs: seconds * 1000, isExplained };
}

function identitiesOf(values: Values): Identity[] {
  const { 'client-id': clientId, 'object-id': objectId, 'resource-id': resourceId } = values;
  const ids = [{ clientId }, { objectId }, { resourceId }];
  return ids.filter((one): one is Identity => Object.values(one)[0] !== undefined);
}

function problem(text: string): Wish {
  return { kind: 'problem', problem: text };
}

function quoted(text: string): string {
  return shownJson(JSON.stringify(text.slice(0, 100)));
}
