import { isGuid } from './identity.ts';
import { endpointVariable, isProxyUrl, proxiesOf, proxyVariableOf } from './proxy.ts';
import { allNames, type Item, type Kind } from './vault-object.ts';

/** The sample's settings. DefaultAzureCredential reads those of the identity itself. */
export interface SampleConfig {
  readonly vaultUrl: string;
  /** What each round reads. */
  readonly items: readonly Item[];
  /** `default`: DefaultAzureCredential of @azure/identity; `imds`: the credential of @pod-identity/imds-client. */
  readonly credential: CredentialName;
  /** The identity, if the pod has several. */
  readonly clientId: string | undefined;
  readonly intervalMs: number;
  /** The sample ends after so many rounds; Infinity: when it is stopped. */
  readonly reads: number;
  /** Of the web page; 0: any free one. */
  readonly port: number;
  /** The IP address on which the web page listens, or `localhost`; undefined: all. */
  readonly address: string | undefined;
  /** Only for vaults with a custom domain: the SDK otherwise requires *.vault.azure.net and its equivalents. */
  readonly skipChallengeVerification: boolean;
  /** To be printed at the start. */
  readonly warnings: readonly string[];
}

const credentialNames = ['default', 'imds'] as const;
export type CredentialName = (typeof credentialNames)[number];

type Environment = Readonly<Record<string, string | undefined>>;

const mostNames = 50;
const listVariables: readonly (readonly [variable: string, kind: Kind])[] = [
  ['SECRET_NAMES', 'secret'],
  ['KEY_NAMES', 'key'],
  ['CERTIFICATE_NAMES', 'certificate'],
];

/** The configuration, or a sentence for each problem of the environment. */
export function readConfig(env: Environment): SampleConfig | { problems: string[] } {
  const problems: string[] = [];
  const values = readValues(env, problems);
  const vaultUrl = readVaultUrl(values.text('KEYVAULT_URL') ?? '', problems);
  const items = readItems(values, problems);
  const config: SampleConfig = {
    vaultUrl,
    items,
    credential: values.oneOf('CREDENTIAL', credentialNames),
    clientId: readClientId(values.text('AZURE_CLIENT_ID'), problems),
    intervalMs: values.number('INTERVAL_SECONDS', { least: 1, most: 86_400, absent: 30 }) * 1000,
    reads: values.number('READS', { least: 1, most: 1_000_000, absent: Infinity, whole: true }),
    port: values.number('PORT', { least: 0, most: 65_535, absent: 8080, whole: true }),
    address: readAddress(values.text('LISTEN_ADDRESS'), problems),
    skipChallengeVerification:
      values.oneOf('KEYVAULT_SKIP_CHALLENGE_VERIFICATION', ['false', 'true'] as const) === 'true',
    warnings: [],
  };
  checkEndpoint(env, problems);
  checkProxy(env, problems);
  if (problems.length > 0) return { problems };
  return { ...config, warnings: warningsOf(env, config) };
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly absent: number;
  readonly whole?: boolean;
}

type Values = ReturnType<typeof readValues>;

/** Readers of single variables, which add a sentence to the problems for a value that they refuse. */
function readValues(env: Environment, problems: string[]) {
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim() ?? '';
    return value === '' ? undefined : value;
  };
  return {
    text,
    number(name: string, { least, most, absent, whole = false }: Bounds): number {
      const value = text(name);
      if (value === undefined) return absent;
      const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
      if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
      problems.push(
        `${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not ${quoted(value)}`,
      );
      return absent;
    },
    /** The first one is the default. */
    oneOf<Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word {
      const value = text(name) ?? words[0];
      const found = words.find((word) => word === value);
      if (found === undefined)
        problems.push(`${name} must be one of ${words.join(', ')}, not ${quoted(value)}`);
      return found ?? words[0];
    },
  };
}

function readVaultUrl(value: string, problems: string[]): string {
  const origin = URL.canParse(value) ? new URL(value).origin : '';
  // Nothing but the origin: no path, query, user or password.
  if (origin.startsWith('https://') && new URL(value).href === `${origin}/`) return origin;
  // An address with a user and a password is not repeated.
  const given = value === '' || value.includes('@') ? '' : `, not ${quoted(value)}`;
  problems.push(
    `KEYVAULT_URL must be the https address of a vault alone, such as https://my-vault.vault.azure.net${given}`,
  );
  return '';
}

function readItems(values: Values, problems: string[]): readonly Item[] {
  const lists = listVariables.map(([variable, kind]) => {
    // Key Vault compares names without case.
    const names = new Map<string, string>();
    for (const part of (values.text(variable) ?? '').split(',')) {
      const name = part.trim();
      if (name === '' || names.has(name.toLowerCase())) continue;
      names.set(name.toLowerCase(), name);
      if (name !== allNames && !/^[0-9A-Za-z-]{1,127}$/.test(name))
        problems.push(`${variable} has ${quoted(name)}: a name has 1 to 127 letters, digits and hyphens`);
    }
    if (names.has(allNames) && names.size > 1)
      problems.push(`${variable} must have either names or ${allNames} alone, which stands for all`);
    return [...names.values()].map((name): Item => ({ kind, name }));
  });
  const items = lists.flat();
  const variables = 'SECRET_NAMES, KEY_NAMES and CERTIFICATE_NAMES';
  if (items.length === 0)
    problems.push(`${variables}: at least one of them must have names, separated by commas, or ${allNames}`);
  if (items.length > mostNames)
    problems.push(`${variables} have ${items.length} names; at most ${mostNames} are read`);
  return items;
}

function readClientId(value: string | undefined, problems: string[]): string | undefined {
  if (value !== undefined && !isGuid(value))
    problems.push(
      `AZURE_CLIENT_ID must be the client id of an identity, 8-4-4-4-12 hexadecimal digits, not ${quoted(value)}`,
    );
  return value;
}

/** A name would be looked up in DNS. */
function readAddress(value: string | undefined, problems: string[]): string | undefined {
  if (value !== undefined && value !== 'localhost' && !isAddress(value))
    problems.push(
      `LISTEN_ADDRESS must be an IP address, such as 127.0.0.1 or ::, or localhost, not ${quoted(value)}`,
    );
  return value;
}

const isAddress = (text: string): boolean =>
  text.includes(':') ? URL.canParse(`http://[${text}]`) : isIpv4(text);

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/**
 * The credentials read the variable themselves, and would refuse it later, each in its own words. The value is not quoted: it may have a password. Blanks
 * at its ends count: @azure/identity does not remove them.
 */
function checkEndpoint(env: Environment, problems: string[]): void {
  const value = env[endpointVariable] ?? '';
  if (value === '' || isBaseAddress(value)) return;
  problems.push(
    `${endpointVariable} must be the http or https address of a metadata service, such as http://169.254.169.254, without blanks, a user, a query or the path /metadata`,
  );
}

function isBaseAddress(text: string): boolean {
  const isPlain = /^https?:\/\/[^/]*[^/:](\/|$)/i.test(text) && !/[@?#\s\p{C}]/u.test(text);
  const path = text.toLowerCase().split('/').slice(3);
  return isPlain && URL.canParse(text) && new URL(text).port !== '0' && !path.includes('metadata');
}

/** The SDK throws an error with the address, which can have a password. */
function checkProxy(env: Environment, problems: string[]): void {
  const variable = proxyVariableOf(env);
  if (variable !== undefined && !isProxyUrl(env[variable] ?? ''))
    problems.push(`${variable} must be the address of an HTTP proxy, such as http://proxy.example.com:3128`);
}

/** By these DefaultAzureCredential gets its tokens elsewhere than from the identity of the pod. */
const diversions: Readonly<Record<string, string>> = {
  AZURE_FEDERATED_TOKEN_FILE: 'tries workload identity first',
  AZURE_CLIENT_SECRET: 'tries an application with this secret first',
  AZURE_CLIENT_CERTIFICATE_PATH: 'tries an application with this certificate first',
  AZURE_TOKEN_CREDENTIALS: 'tries the credentials that it names alone',
  IDENTITY_ENDPOINT: 'asks that endpoint for tokens, as in App Service',
  MSI_ENDPOINT: 'asks that endpoint for tokens, as in App Service',
};

function warningsOf(env: Environment, config: SampleConfig): readonly string[] {
  if (config.credential !== 'default') return [];
  const { tokens: proxy, metadataHost } = proxiesOf(env, config);
  return [
    ...(proxy === undefined
      ? []
      : [
          `${proxy} is set, and NO_PROXY does not name ${metadataHost}: DefaultAzureCredential would request tokens through the proxy. Add ${metadataHost} to NO_PROXY, or set CREDENTIAL=imds.`,
        ]),
    ...Object.entries(diversions)
      .filter(([name]) => (env[name] ?? '') !== '')
      .map(
        ([name, does]) =>
          `${name} is set: DefaultAzureCredential ${does}. Unset it, or set CREDENTIAL=imds, for the identity of the pod.`,
      ),
  ];
}

const quoted = (value: string): string =>
  JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
