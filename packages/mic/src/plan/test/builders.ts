// Builders for tests: raw Kubernetes objects as the API server returns them, made into views by the real trims.
import {
  apiVersion,
  bindingLabel,
  canonicalResourceId,
  parseProviderId,
  nodeLabel,
  podUidAnnotation,
  type Host,
  type MatchingRules,
  type ResourceId,
} from '@pod-identity/crd-types';
import type { HostFacts, PresentIdentity } from '../../snapshot/facts/facts.ts';
import { createFacts } from '../../snapshot/facts/host-facts.ts';
import type { ClusterSnapshot } from '../../snapshot/test/cluster-snapshot.ts';
import { createTrims } from '../../snapshot/trims.ts';
import type { HostPlan, PlanRules } from '../types.ts';
import type { AssignedView } from '../../snapshot/views.ts';

export const now = 1_700_000_000_000;
export const minute = 60_000;

/** Of a plan, and of the matching in its index. */
export type PlanAndMatchingRules = PlanRules & MatchingRules;

export const rules: PlanAndMatchingRules = {
  forceNamespaced: false,
  immutableClientIds: new Set(),
  detachGraceMs: 5 * minute,
  driftPeriodMs: 3 * minute,
};

const group = '/subscriptions/S1/resourceGroups/RG';

/** With capitals, as users write it. */
export const resourceIdOf = (name: string) =>
  `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
export const idOf = (name: string): ResourceId => canonicalResourceId(resourceIdOf(name));
export const clientIdOf = (name: string) =>
  `00000000-0000-0000-0000-${Buffer.from(name).toString('hex').slice(0, 12).padStart(12, '0')}`;

export const instanceOf = (scaleSet: string, instance = 0) =>
  `azure://${group}/providers/Microsoft.Compute/virtualMachineScaleSets/${scaleSet}/virtualMachines/${instance}`;
export const machine = (name: string) =>
  `azure://${group}/providers/Microsoft.Compute/virtualMachines/${name}`;

export function hostOf(providerId: string): Host {
  const parsed = parseProviderId(providerId);
  if (!parsed.ok) throw new TypeError(providerId);
  return parsed.value;
}

/** A plan with nothing to do. */
export function idlePlan(host: Host) {
  return {
    host,
    attach: [],
    renew: [],
    detach: [],
    read: false,
    steps: [],
    needed: new Set<ResourceId>(),
  } satisfies HostPlan;
}

export interface PodFields {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly node?: string;
  readonly label?: string;
  readonly phase?: string;
  readonly createdAt?: number;
  /** Default: `default`; '': as a mirror pod. */
  readonly serviceAccount?: string;
}

const trims = createTrims();

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('the trim left the object out');
  return value;
}

export function pod(fields: PodFields = {}) {
  const { namespace = 'shop', name = 'web-0', node = 'node-0', label = 'demo', phase = 'Running' } = fields;
  return must(
    trims.pod({
      metadata: {
        namespace,
        name,
        uid: fields.uid ?? `uid-${namespace}-${name}`,
        // eslint-disable-next-line no-restricted-globals -- writes down the given time, not the clock's
        creationTimestamp: new Date(fields.createdAt ?? now).toISOString(),
        labels: { [bindingLabel]: label },
      },
      spec: { nodeName: node, serviceAccountName: fields.serviceAccount ?? 'default' },
      status: { phase },
    }),
  );
}

export function node(name = 'node-0', providerID = instanceOf('vmss1')) {
  return must(trims.node({ metadata: { name }, spec: { providerID } }));
}

export interface IdentityFields {
  readonly namespace?: string;
  readonly name?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
}

export function rawIdentity({
  namespace = 'default',
  name = 'reader',
  spec,
  metadata,
  status,
}: IdentityFields = {}) {
  return {
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { namespace, name, ...metadata },
    spec: spec ?? { type: 0, resourceID: resourceIdOf(name), clientID: clientIdOf(name) },
    ...(status === undefined ? {} : { status }),
  };
}

export function identity(fields: IdentityFields = {}) {
  return must(trims.identity(rawIdentity(fields)));
}

export interface BindingFields {
  readonly namespace?: string;
  readonly name?: string;
  readonly azureIdentity?: string;
  readonly selector?: string;
  /** Further fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export function rawBinding(fields: BindingFields = {}) {
  const { namespace = 'default', azureIdentity = 'reader', selector = 'demo', metadata } = fields;
  const name = fields.name ?? `${azureIdentity}-binding`;
  return {
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace, name, ...metadata },
    spec: { azureIdentity, selector, ...fields.spec },
  };
}

export function binding(fields: BindingFields = {}) {
  return must(trims.binding(rawBinding(fields)));
}

export interface AssignedFields {
  readonly namespace?: string;
  readonly name?: string;
  readonly podNamespace?: string;
  readonly podName?: string;
  /** `null`: as in the original's objects. */
  readonly podUid?: string | null;
  readonly node?: string;
  /** Default: the name of the node. */
  readonly label?: string;
  readonly identity?: IdentityFields;
  readonly binding?: BindingFields;
  readonly state?: string;
  readonly finalizers?: readonly string[];
}

const ordinary = {
  namespace: 'default',
  podNamespace: 'shop',
  podName: 'web-0',
  node: 'node-0',
  state: 'Assigned',
  finalizers: [],
};

export function assigned(fields: AssignedFields = {}): AssignedView {
  const { namespace, podNamespace, podName, node: nodename, state, finalizers } = { ...ordinary, ...fields };
  const identityRef = rawIdentity(fields.identity);
  const { podUid = `uid-${podNamespace}-${podName}` } = fields;
  const name = fields.name ?? `${podName}-${podNamespace}-${identityRef.metadata.name}`;
  return must(
    trims.assigned({
      apiVersion,
      kind: 'AzureAssignedIdentity',
      metadata: {
        namespace,
        name,
        uid: `uid-of-${name}`,
        resourceVersion: '1',
        labels: { [nodeLabel]: fields.label ?? nodename },
        ...(podUid === null ? {} : { annotations: { [podUidAnnotation]: podUid } }),
        finalizers,
      },
      spec: {
        azureIdentityRef: identityRef,
        azureBindingRef: rawBinding(fields.binding),
        pod: podName,
        podNamespace,
        nodename,
      },
      status: { status: state },
    }),
  );
}

export const alive = (name: string): PresentIdentity => ({
  clientId: clientIdOf(name),
  principalId: `principal-of-${name}`,
});

/** Facts of a host that was just read: it carries these ids; MIC attached those in `ours`. */
export function facts(
  host: Host,
  names: readonly string[] = [],
  more: Partial<HostFacts> & { readonly oursNames?: readonly string[] } = {},
): HostFacts {
  const { oursNames = [], ...rest } = more;
  return {
    ...createFacts(host),
    present: new Map(names.map((name) => [idOf(name), alive(name)])),
    readAt: now,
    ours: new Map(oursNames.map((name) => [idOf(name), { since: now - 1, confirmed: true }])),
    ...rest,
  };
}

export function factsMap(...list: readonly HostFacts[]): ReadonlyMap<ResourceId, HostFacts> {
  return new Map(list.map((one) => [one.host.id, one]));
}

/** A snapshot in which one pod has what it needs; tests pass the differences. */
export function snapshot(different: Partial<ClusterSnapshot> = {}): ClusterSnapshot {
  return {
    pods: [pod()],
    nodes: [node()],
    identities: [identity()],
    bindings: [binding()],
    assigned: [assigned()],
    facts: factsMap(facts(hostOf(instanceOf('vmss1')), ['reader'], { oursNames: ['reader'] })),
    now,
    ...different,
  };
}
