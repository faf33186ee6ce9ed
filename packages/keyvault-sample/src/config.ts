import type { Kind } from './vault.ts';

/** In place of a name: all objects of the kind. */
export const allNames = '*';

/** What is read. */
export type Item = Readonly<{ kind: Kind; name: string }>;

/** The settings, as README.md has them. */
export type SampleConfig = Exclude<ReturnType<typeof readConfig>, { readonly problems: readonly string[] }>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration, or a sentence for each problem of the environment. Values are not repeated: they can have a password. */
export function readConfig(env: Environment) {
  const problems: string[] = [];
  const vaultUrl = textOf(env, 'KEYVAULT_URL') ?? '';
  if (!URL.canParse(vaultUrl) || !/^https:\/\/[^/@?#]+\/?$/.test(vaultUrl))
    problems.push('KEYVAULT_URL must be the address of a vault, such as https://my-vault.vault.azure.net');
  const credential = textOf(env, 'CREDENTIAL') ?? 'default';
  if (credential !== 'default' && credential !== 'imds') problems.push('CREDENTIAL must be default or imds');
  const number = (name: string, [least, most, absent]: readonly [number, number, number]): number => {
    const value = textOf(env, name);
    if (value === undefined) return absent;
    if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
      problems.push(`${name} must be a number from ${least} to ${most} in digits`);
    return Number(value);
  };
  const config = {
    items: readItems(env, problems),
    isImds: credential === 'imds',
    clientId: textOf(env, 'AZURE_CLIENT_ID'),
    intervalMs: number('INTERVAL_SECONDS', [1, 86_400, 30]) * 1000,
    // Infinity: until it is stopped.
    reads: number('READS', [1, 1_000_000, Infinity]),
    port: number('PORT', [0, 65_535, 8080]),
    address: textOf(env, 'LISTEN_ADDRESS'),
    skipChallengeVerification: textOf(env, 'KEYVAULT_SKIP_CHALLENGE_VERIFICATION') === 'true',
  };
  checkProxy(env, problems);
  if (problems.length > 0) return { problems };
  const { origin, hostname } = new URL(vaultUrl);
  return { ...config, vaultUrl: origin, proxies: proxiesOf(env, hostname, config.isImds) };
}

/** The SDK throws an error with the address. */
function checkProxy(env: Environment, problems: string[]): void {
  const variable = proxyVariableOf(env) ?? '';
  const address = env[variable] ?? 'http://none';
  if (!/^https?:\S+$/i.test(address) || !URL.canParse(address))
    problems.push(`${variable} must be the address of an HTTP proxy, such as http://proxy.example.com:3128`);
}

function textOf(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

const kinds = { SECRET_NAMES: 'secret', KEY_NAMES: 'key', CERTIFICATE_NAMES: 'certificate' } as const;

function readItems(env: Environment, problems: string[]): readonly Item[] {
  const items = Object.entries(kinds).flatMap(([variable, kind]) => {
    const names = (textOf(env, variable) ?? '').split(/[\s,]+/).filter((name) => name !== '');
    if (!names.every((name) => name === allNames || /^[0-9A-Za-z-]{1,127}$/.test(name)))
      problems.push(`${variable} must have names of 1 to 127 letters, digits and hyphens, or ${allNames}`);
    return [...new Set(names)].map((name) => ({ kind, name }));
  });
  if (items.length === 0)
    problems.push(`${Object.keys(kinds).join(', ')}: at least one must have names, or ${allNames} for all`);
  return items;
}

/** The variables that send requests for the vault, and for tokens to the metadata host, to an HTTP proxy; undefined where they go directly. */
export type Proxies = Readonly<Record<'vault' | 'tokens', string | undefined> & { metadataHost: string }>;

/** From which the Azure SDK takes the address of an HTTP proxy, for http and https alike. */
const proxyVariableOf = (env: Environment): string | undefined =>
  ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'HTTP_PROXY', 'http_proxy'].find(
    (name) => (env[name] ?? '') !== '',
  );

function proxiesOf(env: Environment, vaultHost: string, isImds: boolean): Proxies {
  const endpoint = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? '';
  const metadataHost = URL.canParse(endpoint) ? new URL(endpoint).hostname : '169.254.169.254';
  // The SDK takes an entry as a host, or after a dot as a domain.
  const exceptions = ([env['NO_PROXY'], env['no_proxy']].find(Boolean) ?? '')
    .split(',')
    .map((entry) => entry.trim());
  const isException = (host: string) =>
    exceptions.some((entry) => entry === host || (entry.startsWith('.') && `.${host}`.endsWith(entry)));
  const variableFor = (host: string) => (isException(host) ? undefined : proxyVariableOf(env));
  // imds-client never uses a proxy.
  const tokens = isImds ? undefined : variableFor(metadataHost);
  return { vault: variableFor(vaultHost), tokens, metadataHost };
}
