// Writes objects, also from files as kubectl does, to simulated and real API servers.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { parseAllDocuments } from 'yaml';

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

const irregular: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies',
  AzureIdentity: 'azureidentities',
  AzureAssignedIdentity: 'azureassignedidentities',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
};
const clusterScoped = new Set([
  'Namespace',
  'Node',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);

/** The path of a kind's collection, or of one object when a name is given. */
export function pathOf(of: { apiVersion: string; kind: string; namespace?: string; name?: string }): string {
  const base = of.apiVersion.includes('/') ? `/apis/${of.apiVersion}` : `/api/${of.apiVersion}`;
  const scope = clusterScoped.has(of.kind) || of.namespace === undefined ? '' : `/namespaces/${of.namespace}`;
  const plural = irregular[of.kind] ?? `${of.kind.toLowerCase()}s`;
  return `${base}${scope}/${plural}${of.name === undefined ? '' : `/${of.name}`}`;
}

/** All objects of the YAML files of a folder in the order of their names, or of one file. Kustomizations are left out. */
export async function readManifests(path: string): Promise<KubeObject[]> {
  const files = path.endsWith('.yaml')
    ? [path]
    : (await readdir(path))
        .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
        .sort()
        .map((name) => join(path, name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null))
    .filter((object) => object !== null);
}

/** Creates or replaces the object. */
export async function applyObject(kube: KubeTransport, object: KubeObject): Promise<KubeObject> {
  const namespace = object.metadata.namespace ?? 'default';
  const at = { apiVersion: object.apiVersion, kind: object.kind, namespace };
  try {
    return (await kube.request({ method: 'POST', path: pathOf(at), body: object })) as KubeObject;
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'already-exists')) throw error;
  }
  const path = pathOf({ ...at, name: object.metadata.name });
  for (let attempt = 1; ; attempt += 1)
    try {
      return await replace(kube, path, object);
    } catch (error) {
      const isChanged = error instanceof KubeError && error.code === 'conflict';
      if (!isChanged || attempt === mostAttempts) throw error;
    }
}

/** MIC may write the object's status between its reading and its writing. */
const mostAttempts = 5;

async function replace(kube: KubeTransport, path: string, object: KubeObject): Promise<KubeObject> {
  const current = (await kube.request({ method: 'GET', path })) as KubeObject;
  const metadata = { ...current.metadata, ...object.metadata };
  const status = current['status'];
  const body = { ...object, metadata, ...(status !== undefined && { status }) };
  return (await kube.request({ method: 'PUT', path, body })) as KubeObject;
}

/** Deletes the object, if it exists. */
export async function deleteObject(kube: KubeTransport, object: KubeObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const path = pathOf({ apiVersion, kind, namespace: metadata.namespace ?? 'default', name: metadata.name });
  try {
    await kube.request({
      method: 'DELETE',
      path,
      body: { propagationPolicy: 'Background', gracePeriodSeconds: 0 },
    });
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
  }
}
