// Writes AzureAssignedIdentities as MIC does, with the requested concurrency.
import * as https from 'node:https';

export type WriteKind = 'create' | 'replace' | 'patch' | 'delete';

export interface Writes {
  readonly kind: WriteKind;
  /** Numbers of the objects. */
  readonly first: number;
  readonly count: number;
  readonly concurrency: number;
}

interface Sending {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

const collection = '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities';

export class ApiWriter implements Disposable {
  readonly #server: string;
  readonly #agent: https.Agent;
  readonly #versions = new Map<string, string>();

  constructor(server: string, tls: { readonly ca: string; readonly cert: string; readonly key: string }) {
    this.#server = server;
    this.#agent = new https.Agent({ ...tls, keepAlive: true, maxSockets: 100 });
  }

  #send({ method, path, body, contentType = 'application/json' }: Sending): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
    const options = { method, agent: this.#agent, headers };
    const request = https.request(new URL(path, this.#server), options, (answer) => {
      let read = '';
      answer.setEncoding('utf8').on('data', (part: string) => (read += part));
      answer.on('error', reject).on('end', () => {
        if ((answer.statusCode ?? 0) < 300) resolve(JSON.parse(read));
        else reject(new Error(`${method} ${path}: ${answer.statusCode}: ${read.slice(0, 300)}`));
      });
    });
    request.on('error', reject).end(text);
    return promise;
  }

  /** Returns the duration of each write (ms). */
  async run({ kind, first, count, concurrency }: Writes): Promise<number[]> {
    const times: number[] = [];
    let next = first;
    const worker = async () => {
      while (next < first + count) {
        const begun = performance.now();
        await this.#write(kind, next++);
        times.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return times;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #write(kind: WriteKind, number: number): Promise<void> {
    const name = `pod-${number}-apps-reader`;
    const answer = await this.#send(this.#sending(kind, number, name));
    const { metadata } = answer as { metadata?: { resourceVersion?: string } };
    if (metadata?.resourceVersion !== undefined) this.#versions.set(name, metadata.resourceVersion);
  }

  #sending(kind: WriteKind, number: number, name: string): Sending {
    const path = `${collection}/${name}`;
    const body = { status: { status: 'Created' } };
    switch (kind) {
      case 'create':
        return { method: 'POST', path: collection, body: record(number, 'Created') };
      case 'replace':
        return { method: 'PUT', path, body: record(number, 'Assigned', this.#versions.get(name)) };
      case 'patch':
        return { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' };
      case 'delete':
        return { method: 'DELETE', path };
    }
  }
}

const identityId =
  '/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';

/** An object of the size of MIC's. */
function record(number: number, status: string, resourceVersion?: string) {
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  const uid = `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;
  const metadata = { name: 'reader', namespace: 'default', uid, resourceVersion: '1' };
  return {
    apiVersion,
    kind: 'AzureAssignedIdentity',
    metadata: {
      name: `pod-${number}-apps-reader`,
      namespace: 'default',
      labels: { 'aadpodidentity.k8s.io/nodename': 'node-0-0' },
      annotations: { 'aadpodidentity.k8s.io/pod-uid': uid },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: `pod-${number}`, uid }],
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    spec: {
      azureIdentityRef: {
        apiVersion,
        kind: 'AzureIdentity',
        metadata,
        spec: { type: 0, resourceID: identityId, clientID: uid },
      },
      azureBindingRef: {
        apiVersion,
        kind: 'AzureIdentityBinding',
        metadata,
        spec: { azureIdentity: 'reader', selector: 'reader' },
      },
      pod: `pod-${number}`,
      podNamespace: 'default',
      nodename: 'node-0-0',
    },
    status: { status, availableReplicas: 1 },
  };
}
