// The real clients, unmodified, each in its own process: how each is started, and which selectors it has.
import { fileURLToPath } from 'node:url';
import type { TestProgram } from '@pod-identity/kit/testing';

/** The request: at most one selector. */
export interface Wish {
  readonly clientId?: string;
  readonly resourceId?: string;
  readonly objectId?: string;
  /** For SDKs that have both. Default: ManagedIdentityCredential. */
  readonly credential?: 'managed' | 'default';
  /** For one request, in milliseconds; of clients that have such an option. */
  readonly requestTimeoutMs?: number;
}

export type Answer = { readonly token: string } | { readonly refused: string };

export interface RealClient {
  readonly name: string;
  /** What it needs on the machine beside Node.js and npm packages. */
  readonly programs: readonly TestProgram[];
  /** All selectors that it supports. */
  readonly selectors: readonly Selector[];
  /** Whether it retries 503 and 404. */
  readonly repeats: readonly (404 | 503)[];
  command(wish: Wish, base: string): Command;
}

export type Selector = 'none' | 'clientId' | 'resourceId' | 'objectId';

interface Command {
  readonly executable: string;
  readonly args: readonly string[];
}

const every: readonly Selector[] = ['none', 'clientId', 'resourceId', 'objectId'];
const program = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function inNode(file: string, more: object = {}): RealClient['command'] {
  return (wish) => ({
    executable: process.execPath,
    args: [program(file), JSON.stringify({ ...wish, ...more })],
  });
}

/** Debian's Python: another python3 may come first on the PATH, without the packages. */
function inPython(file: string, more: object = {}): RealClient['command'] {
  return (wish) => ({
    executable: '/usr/bin/python3',
    args: [program(file), JSON.stringify({ ...wish, ...more })],
  });
}

/** The versions are those of package.json and, for Python, of Debian's packages. */
export const clients = {
  identity: {
    name: '@azure/identity 4.14.1',
    programs: [],
    selectors: every,
    repeats: [503, 404],
    command: inNode('azure-identity.program.ts', { version: 'current' }),
  },
  olderIdentity: {
    name: '@azure/identity 3.4.2',
    programs: [],
    selectors: ['none', 'clientId', 'resourceId'],
    repeats: [503, 404],
    command: inNode('azure-identity.program.ts', { version: 'older' }),
  },
  msal: {
    name: '@azure/msal-node 7.2.3',
    programs: [],
    selectors: every,
    repeats: [503, 404],
    command: inNode('msal-node.program.ts', { version: 'current' }),
  },
  olderMsal: {
    name: '@azure/msal-node 2.16.3',
    programs: [],
    selectors: every,
    repeats: [503, 404],
    command: inNode('msal-node.program.ts', { version: 'older' }),
  },
  ours: {
    name: '@pod-identity/imds-client',
    programs: [],
    selectors: every,
    repeats: [503, 404],
    command: inNode('imds-client.program.ts'),
  },
  pythonIdentity: {
    name: 'azure-identity 1.23.1 (Python)',
    programs: ['python-azure-identity'],
    selectors: every,
    repeats: [503, 404],
    command: inPython('azure-identity-python.program.py', { way: 'sync' }),
  },
  asyncPythonIdentity: {
    name: 'azure-identity 1.23.1 (Python, aio)',
    programs: ['python-azure-identity', 'python-aiohttp'],
    selectors: every,
    repeats: [503, 404],
    command: inPython('azure-identity-python.program.py', { way: 'async' }),
  },
  pythonMsal: {
    name: 'msal 1.32.3 (Python)',
    programs: ['python-msal', 'python-requests'],
    selectors: every,
    repeats: [],
    command: inPython('msal-python.program.py'),
  },
  requests: {
    name: 'requests (Python)',
    programs: ['python-requests'],
    selectors: every,
    repeats: [],
    command: inPython('requests-python.program.py'),
  },
  curl: {
    name: 'curl',
    programs: ['curl'],
    selectors: every,
    repeats: [],
    command: (wish, base) => curlCommand(wish, base),
  },
  wget: {
    name: 'wget',
    programs: ['wget'],
    selectors: every,
    repeats: [],
    command: (wish, base) => ({
      executable: '/usr/bin/wget',
      args: [
        ...wgetOptions,
        ...wgetTimeout(wish),
        `${base}${tokenPath}&${new URLSearchParams(queryOf(wish)).toString()}`,
      ],
    }),
  },
} satisfies Readonly<Record<string, RealClient>>;

export const realClients: readonly RealClient[] = Object.values(clients);

/** curl with retries, as users call it. */
export const persistentCurl: RealClient = {
  ...clients.curl,
  name: 'curl --retry 5',
  repeats: [503],
  command: (wish, base) => curlCommand(wish, base, ['--retry', '5']),
};

/** The endpoint of a client without configuration. */
export const metadata = 'http://169.254.169.254';

const tokenPath = '/metadata/identity/oauth2/token?api-version=2018-02-01';

function queryOf({ clientId, resourceId, objectId }: Wish): Record<string, string> {
  return {
    resource: 'https://vault.azure.net',
    ...(clientId !== undefined && { client_id: clientId }),
    ...(resourceId !== undefined && { msi_res_id: resourceId }),
    ...(objectId !== undefined && { object_id: objectId }),
  };
}

function curlCommand(wish: Wish, base: string, more: readonly string[] = []): Command {
  const query = Object.entries(queryOf(wish)).flatMap(([name, value]) => [
    '--data-urlencode',
    `${name}=${value}`,
  ]);
  return {
    executable: '/usr/bin/curl',
    args: [
      '--silent',
      '--noproxy',
      '*',
      '--get',
      '--header',
      'Metadata: true',
      ...more,
      ...(wish.requestTimeoutMs === undefined ? [] : ['--max-time', `${wish.requestTimeoutMs / 1000}`]),
      ...query,
      base + tokenPath,
    ],
  };
}

const wgetTimeout = ({ requestTimeoutMs }: Wish): readonly string[] =>
  requestTimeoutMs === undefined ? [] : ['--tries=1', `--timeout=${requestTimeoutMs / 1000}`];

const wgetOptions: readonly string[] = [
  ...['--quiet', '--no-proxy', '--header', 'Metadata: true'],
  // Prints the body of an error response as well.
  ...['--content-on-error', '--output-document', '-'],
];
