// Calls of a real API server in the name of others: the kit's administrator may impersonate users, ServiceAccounts and their tokens.
import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { parse } from 'yaml';

export interface ImpersonatedCall {
  readonly method: string;
  readonly path: string;
  /** With PATCH: a JSON merge patch. */
  readonly body?: object | undefined;
  /** The administrator himself when left out. */
  readonly as?: Impersonated | undefined;
}

export interface Impersonated {
  readonly user: string;
  readonly groups?: readonly string[];
  /** What Kubernetes 1.30 and later writes into the token of a pod. */
  readonly nodeName?: string | undefined;
}

export interface Told {
  readonly status: number;
  /** Of a refusal; else empty. */
  readonly message: string;
  /** Values of the Warning headers, as the server sent them. */
  readonly warnings: readonly string[];
}

export async function connectImpersonator(
  kubeconfig: string,
  server: string,
): Promise<(call: ImpersonatedCall) => Promise<Told>> {
  const credentials = await readCredentials(kubeconfig);
  return ({ method, path, body, as }) =>
    new Promise((resolve, reject) => {
      const headers = { ...contentType(method, body), ...impersonationOf(as) };
      const sent = request(`${server}${path}`, { method, headers, ...credentials }, (response) => {
        const { statusCode: status = 0, headers: received } = response;
        const warnings = received.warning === undefined ? [] : [received.warning];
        json(response).then(
          (answer) => resolve({ message: '', ...(answer as object), status, warnings }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
}

function contentType(method: string, body: object | undefined): Record<string, string> {
  if (!body) return {};
  return { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
}

function impersonationOf(as: Impersonated | undefined): OutgoingHttpHeaders {
  if (!as) return {};
  const { user, groups, nodeName } = as;
  return {
    'impersonate-user': user,
    ...(groups && { 'impersonate-group': [...groups] }),
    ...(nodeName && { 'impersonate-extra-authentication.kubernetes.io%2fnode-name': nodeName }),
  };
}

interface Config {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

async function readCredentials(kubeconfig: string) {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Config;
  const read = (of: Readonly<Record<string, string>> | undefined, name: string) => {
    const data = of?.[`${name}-data`];
    return data === undefined ? readFile(of?.[name] ?? '') : Promise.resolve(Buffer.from(data, 'base64'));
  };
  const [ca, cert, key] = await Promise.all([
    read(clusters[0]?.cluster, 'certificate-authority'),
    read(users[0]?.user, 'client-certificate'),
    read(users[0]?.user, 'client-key'),
  ]);
  return { ca, cert, key };
}
