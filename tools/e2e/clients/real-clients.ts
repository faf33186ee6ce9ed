// The clients that exist in the world, unmodified, each as a process of its own: how each is started, and what it can say.
import { fileURLToPath } from 'node:url';
import type { TestProgram } from '@pod-identity/kit/testing';
import { startService } from '../../stage/service.ts';
import { within } from '../../stage/within.ts';
import type { PodNamespace } from './pod-namespace.ts';

/** What to ask for: at most one selector. */
export interface Wish {
  readonly clientId?: string;
  readonly resourceId?: string;
  readonly objectId?: string;
  /** For SDKs that have both: ManagedIdentityCredential unless told. */
  readonly credential?: 'managed' | 'default';
}

export type Answer = { readonly token: string } | { readonly refused: string };

/** Where a client runs, and its PATH (empty by default). In a namespace nothing is set, and it finds NMI where IMDS is. */
export type Place =
  | { readonly url: string; readonly path?: string }
  | { readonly namespace: PodNamespace; readonly path?: string };

export interface RealClient {
  readonly name: string;
  /** What it needs on the machine beyond Node.js and npm packages. */
  readonly programs: readonly TestProgram[];
  /** Every way that it has to name an identity. */
  readonly selectors: readonly Selector[];
  /** Whether it asks again on its own when it is told to come later. */
  readonly repeats: boolean;
  command(wish: Wish, base: string): Command;
}

export type Selector = 'none' | 'clientId' | 'resourceId' | 'objectId';

interface Command {
  readonly executable: string;
  readonly args: readonly string[];
}

const program = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const node = (file: string, version: 'current' | 'older') => (wish: Wish) => ({
  executable: process.execPath,
  args: [program(file), JSON.stringify({ ...wish, version })],
});

const clients = {
  identity: {
    name: '@azure/identity 4.14.1',
    programs: [],
    selectors: ['none', 'clientId', 'resourceId', 'objectId'],
    repeats: true,
    command: node('azure-identity.program.ts', 'current'),
  },
  olderIdentity: {
    name: '@azure/identity 3.4.2',
    programs: [],
    selectors: ['none', 'clientId', 'resourceId'],
    repeats: true,
    command: node('azure-identity.program.ts', 'older'),
  },
  msal: {
    name: '@azure/msal-node 7.2.3',
    programs: [],
    selectors: ['none', 'clientId', 'resourceId', 'objectId'],
    repeats: true,
    command: node('msal-node.program.ts', 'current'),
  },
  olderMsal: {
    name: '@azure/msal-node 2.16.3',
    programs: [],
    selectors: ['none', 'clientId', 'resourceId', 'objectId'],
    repeats: true,
    command: node('msal-node.program.ts', 'older'),
  },
  python: {
    name: 'msal of Debian’s Python',
    programs: ['python-msal', 'python-requests'],
    selectors: ['none', 'clientId', 'resourceId', 'objectId'],
    repeats: false,
    command: (wish) => ({
      // Debian's own: another python3 may come first on the PATH, and has not its packages.
      executable: '/usr/bin/python3',
      args: [program('msal-python.program.py'), JSON.stringify(wish)],
    }),
  },
  curl: {
    name: 'curl',
    programs: ['curl'],
    selectors: ['none', 'clientId', 'resourceId', 'objectId'],
    repeats: false,
    command: (wish, base) => curlCommand(wish, base),
  },
} satisfies Readonly<Record<string, RealClient>>;

const { curl } = clients;
export const { identity, olderIdentity, msal, olderMsal } = clients;
export const realClients: readonly RealClient[] = Object.values(clients);
/** curl as people use it who want it to ask again. */
export const persistentCurl: RealClient = {
  ...curl,
  name: 'curl --retry 5',
  repeats: true,
  command: (wish, base) => curlCommand(wish, base, ['--retry', '5']),
};

const metadata = 'http://169.254.169.254';

function curlCommand(wish: Wish, base: string, more: readonly string[] = []): Command {
  const { clientId, resourceId, objectId } = wish;
  const selector = { client_id: clientId, msi_res_id: resourceId, object_id: objectId };
  const query = Object.entries({ resource: 'https://vault.azure.net', ...selector }).flatMap(
    ([name, value]) => (value === undefined ? [] : ['--data-urlencode', `${name}=${value}`]),
  );
  const url = `${base}/metadata/identity/oauth2/token?api-version=2018-02-01`;
  return {
    executable: '/usr/bin/curl',
    args: ['--silent', '--noproxy', '*', '--get', '--header', 'Metadata: true', ...more, ...query, url],
  };
}

/** The most persistent of the clients gives up well before. */
const patienceMs = 300_000;

/** Runs the client to its end. */
export async function run(client: RealClient, wish: Wish, place: Place): Promise<Answer> {
  const base = 'url' in place ? place.url : metadata;
  const { executable, args } = client.command(wish, base);
  const [first, ...others] =
    'url' in place ? [executable, ...args] : place.namespace.inside(executable, args);
  // A client that found neither would ask whatever is behind the real address of the metadata service.
  const leading: Record<string, string> =
    'url' in place ? { AZURE_POD_IDENTITY_AUTHORITY_HOST: place.url } : {};
  const service = startService({
    name: client.name,
    executable: first ?? '',
    entry: others[0] ?? '',
    args: others.slice(1),
    // DefaultAzureCredential runs `az` and others where the PATH has them: what this machine has must not decide.
    env: { ...leading, PATH: place.path ?? '/nonexistent' },
  });
  try {
    await within(patienceMs, `${client.name} to end`, service.ended);
    return answerIn(service.lines);
  } finally {
    await service.stop();
  }
}

function answerIn(lines: readonly string[]): Answer {
  for (const line of lines.toReversed()) {
    if (!line.startsWith('{')) continue;
    // curl writes the answer of each attempt, one after another without a line's end.
    const said = JSON.parse(line.slice(line.lastIndexOf('{'))) as Partial<
      Record<'token' | 'refused' | 'access_token' | 'error_description', string>
    >;
    const token = said.token ?? said.access_token;
    if (token !== undefined) return { token };
    return { refused: said.refused ?? said.error_description ?? line };
  }
  return { refused: lines.join(' ') };
}
