// Which pod may get which tokens: a second implementation of the rule, independent of the programs' own.
import { keyOf, type KubeObject, type ObjectChange } from './history.ts';

const bindingLabel = 'aadpodidbinding';

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** All versions of all objects of one resource. */
export interface Versions {
  /** The versions of one object that were current at some time in the span. */
  of(key: string, span: Span): readonly KubeObject[];
  /** The same of every object of a namespace. */
  within(namespace: string, span: Span): readonly KubeObject[];
}

function versionsOf(resource: string, changes: readonly ObjectChange[]): Versions {
  const byKey = Map.groupBy(
    changes.filter((change) => change.resource === resource),
    keyOf,
  );
  const of = (key: string, { from, to }: Span): KubeObject[] => {
    const own = byKey.get(key) ?? [];
    const isThen = ({ at }: ObjectChange, position: number) =>
      at <= to && (own[position + 1]?.at ?? Infinity) >= from;
    return own.filter(isThen).flatMap(({ object }) => object ?? []);
  };
  return {
    of,
    within: (namespace, span) =>
      [...byKey.keys()].filter((key) => key.startsWith(`${namespace}/`)).flatMap((key) => of(key, span)),
  };
}

export interface Truth {
  /**
   * Resource ids, in lower case, of which the pod was allowed to get tokens at some time, and had the right at some time in `rights` (mode
   * `rbac`); `all`: it has an exception.
   */
  permitted(pod: string, span: Span, rights: Span): ReadonlySet<string> | 'all';
}

export function createTruth(changes: readonly ObjectChange[]): Truth {
  const pods = versionsOf('pods', changes);
  const bindings = versionsOf('azureidentitybindings', changes);
  const identities = versionsOf('azureidentities', changes);
  const exceptions = versionsOf('azurepodidentityexceptions', changes);
  const rightsOf = versionsOf('clusterrolebindings', changes.filter(isRight));
  const hasRights = changes.some(isRight);
  return {
    permitted(pod, span, rights) {
      const [namespace = ''] = pod.split('/');
      const versions = pods.of(pod, span);
      if (
        exceptions.within(namespace, span).some((one) => versions.some((version) => isExempt(version, one)))
      )
        return 'all';
      const labels = new Set(versions.map(labelOf).filter((label) => label !== ''));
      const named = bindings
        .within(namespace, span)
        .filter((binding) => labels.has(textOf(binding, 'selector')))
        .flatMap((binding) => identities.of(`${namespace}/${textOf(binding, 'azureIdentity')}`, span));
      const all = named.map((identity) => textOf(identity, 'resourceID').toLowerCase());
      if (!hasRights) return new Set(all);
      const granted = rightsOf.within('', rights);
      return new Set(
        all.filter((id) => granted.some((right) => versions.some((one) => isGranted(one, id, right)))),
      );
    },
  };
}

/** Those of world/rights.ts. */
const isRight = ({ resource, name }: ObjectChange): boolean =>
  resource === 'clusterrolebindings' && name.startsWith('use-');

interface RightObject {
  readonly roleRef: { readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** Whether the object grants the pod the identity. */
function isGranted(pod: KubeObject, resourceId: string, right: KubeObject): boolean {
  const { roleRef, subjects } = right as unknown as RightObject;
  const { namespace = '' } = pod.metadata;
  const account = textOf(pod, 'serviceAccountName');
  return (
    roleRef.name === `use-${resourceId.slice(resourceId.lastIndexOf('/') + 1)}` &&
    subjects.some((subject) =>
      subject.kind === 'Group'
        ? subject.name === `system:serviceaccounts:${namespace}`
        : subject.namespace === namespace && subject.name === account,
    )
  );
}

export const labelOf = ({ metadata }: KubeObject): string => metadata.labels?.[bindingLabel] ?? '';

/** A field of the spec. */
export function textOf(object: KubeObject, field: string): string {
  const value = (object['spec'] as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === 'string' ? value : '';
}

export function isExempt(pod: KubeObject, exception: KubeObject): boolean {
  const { podLabels = {} } = (exception['spec'] ?? {}) as { podLabels?: Readonly<Record<string, string>> };
  return Object.entries(podLabels).some(([name, value]) => pod.metadata.labels?.[name] === value);
}
