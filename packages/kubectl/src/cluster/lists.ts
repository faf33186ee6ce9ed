import {
  createResource,
  KubeError,
  listTrimmed,
  type KubeTransport,
  type ResourceKind,
} from '@pod-identity/kit/kube';

/** A list, or that the user may not read it or that the cluster does not have this kind, in words. */
export type Listed<T> =
  | { readonly kind: 'read'; readonly items: readonly T[] }
  | { readonly kind: 'not-read'; readonly why: 'denied' | 'absent'; readonly text: string };

/** What reads of the cluster take. */
export interface ClusterReader {
  readonly kube: KubeTransport;
  readonly signal: AbortSignal;
}

export interface ListOptions<T> extends ClusterReader {
  readonly kind: ResourceKind;
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Undefined leaves the object out. */
  readonly trim: (object: unknown) => T | undefined;
}

/** As kubectl has it. */
const pageSize = 500;

/** Other errors than a refusal are thrown. */
export async function listAllowed<T>({
  kube: transport,
  trim,
  ...wanted
}: ListOptions<T>): Promise<Listed<T>> {
  const { kind, namespace } = wanted;
  const request = { ...wanted, transport, pageSize };
  try {
    return { kind: 'read', items: await listTrimmed(request, trim) };
  } catch (error) {
    return notRead(error, `list ${resourceName(kind)} ${scopeOf(namespace)}`, kind);
  }
}

export const itemsOf = <T>(list: Listed<T>): readonly T[] => (list.kind === 'read' ? list.items : []);

export const unknownOf = (list: Listed<unknown>): readonly string[] =>
  list.kind === 'not-read' ? [list.text] : [];

export type Got =
  { readonly kind: 'read'; readonly object: unknown } | Extract<Listed<never>, { kind: 'not-read' }>;

export interface GetOptions extends ClusterReader, Pick<ListOptions<never>, 'kind'> {
  readonly name: string;
  /** Of namespaced kinds. */
  readonly namespace?: string;
}

export async function getAllowed({ kube, signal, kind, ...key }: GetOptions): Promise<Got> {
  try {
    return { kind: 'read', object: await createResource(kube, kind).get(key, { signal }) };
  } catch (error) {
    return notRead(error, `get ${resourceName(kind)}/${key.name} ${scopeOf(key.namespace)}`, kind);
  }
}

function notRead(error: unknown, what: string, kind: ResourceKind) {
  if (!(error instanceof KubeError)) throw error;
  if (error.code === 'denied')
    return { kind: 'not-read', why: 'denied', text: `you may not ${what}` } as const;
  if (error.code === 'not-found')
    return { kind: 'not-read', why: 'absent', text: `the cluster has no ${resourceName(kind)}` } as const;
  throw error;
}

/** With its group, as kubectl writes it. */
const resourceName = ({ plural, group }: Pick<ResourceKind, 'plural' | 'group'>) =>
  group === '' ? plural : `${plural}.${group}`;
const scopeOf = (namespace: string | undefined) =>
  namespace === undefined ? 'at the cluster scope' : `in namespace ${namespace}`;
