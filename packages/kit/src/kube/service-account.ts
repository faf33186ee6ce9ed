// Kubernetes gives each pod the address of the API server in its environment, and a folder with the token of its ServiceAccount and the
// server's certificate authority.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from './credentials.ts';
import { KubeError } from './errors.ts';

export interface ServiceAccountOptions {
  /** URL of the API server; default: from the environment. */
  readonly master?: string;
  /** Folder with `token` and `ca.crt`; default: that of Kubernetes. */
  readonly serviceAccountDir?: string;
}

const defaultServiceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Undefined if a kubeconfig is to be read: one exists in its usual places, or this is not a pod. */
export function findServiceAccount(options: ServiceAccountOptions): Credentials | undefined {
  const { master, serviceAccountDir: folder = defaultServiceAccountDir } = options;
  if (master !== undefined) return readServiceAccount(serverAt(master), folder);
  const server = serverOfEnvironment();
  const isPod = server !== undefined && existsSync(join(folder, 'token'));
  return isPod && !hasKubeconfig() ? readServiceAccount(server, folder) : undefined;
}

function readServiceAccount(server: string, folder: string): Credentials {
  return {
    server,
    async read() {
      const token = (await readFile(join(folder, 'token'), 'utf8')).trim();
      const authority = join(folder, 'ca.crt');
      const ca = existsSync(authority) ? await readFile(authority, 'utf8') : undefined;
      return {
        headers: { authorization: `Bearer ${token}` },
        tls: ca === undefined ? {} : { ca },
      };
    },
  };
}

function serverAt(master: string): string {
  const { protocol } = URL.parse(master) ?? {};
  if (protocol === 'https:' || protocol === 'http:') return master;
  throw new KubeError('invalid', `'${master}' is no address of an API server: give it as https://HOST:PORT`);
}

function serverOfEnvironment(): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (!host) return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function hasKubeconfig(): boolean {
  return Boolean(process.env['KUBECONFIG']) || existsSync(join(homedir(), '.kube', 'config'));
}
