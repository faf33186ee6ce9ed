// Objects for tests, valid unless told otherwise.
import {
  apiVersion,
  canonicalResourceId,
  defaultIdentityAnnotation,
  parseAzureIdentity,
  type AssignedState,
  type AzureAssignedIdentity,
  type AzureIdentity,
  type AzureIdentityBinding,
  type AzurePodIdentityException,
  type IdentityType,
  type NamespaceView,
  type ResourceId,
} from '@pod-identity/crd-types';
import type { Tenant } from '@pod-identity/kit/core';
import {
  bindingsOfSelector,
  selectsUnlabelled,
  selectorIndexes,
} from '../src/authorize/bindings-of-selector.ts';
import { deciderFor } from '../src/authorize/authorize.ts';
import type { AuthorizeRules, ClusterView, Decision, InvalidException } from '../src/authorize/types.ts';
import type { AccessGuard } from '../src/access/guard.ts';
import type { AccessPair } from '../src/access/types.ts';
import type { Neighbour } from '../src/identify/neighbour.ts';
import type { NeighbourTable } from '../src/identify/neighbour-table.ts';
import type { PodView } from '../src/identify/pod-view.ts';
import type { RunningContainers } from '../src/identify/running-containers.ts';
import type { Patience } from '../src/waiting/await-change.ts';
import type { TurnQueue } from '../src/waiting/turn-queues.ts';
import type { TokenCaller } from '../src/tokens/flights.ts';
import type { HostSubject, IssuedToken, TokenSubject, WantedToken } from '../src/tokens/types.ts';
import { CallerConnection } from '../src/identify/caller-connection.ts';
import type { Selector } from '../src/request/token-request.ts';
import type { InboundRequest } from '../src/request/wire.ts';

export const resourceIdOf = (name: string) =>
  `/subscriptions/s1/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

const digits = (name: string) => Buffer.from(name).toString('hex').padEnd(12, '0').slice(0, 12);
export const clientIdOf = (name: string) => `c0000000-0000-4000-8000-${digits(name)}`;
export const objectIdOf = (name: string) => `b0000000-0000-4000-8000-${digits(name)}`;

export const pod = (over: Partial<PodView> = {}): PodView => ({
  uid: 'uid-web',
  key: `${over.namespace ?? 'default'}/${over.name ?? 'web'}`,
  namespace: 'default',
  name: 'web',
  nodeName: 'node-1',
  addresses: ['10.0.0.1'],
  phase: 'Running',
  isEnding: false,
  labels: { aadpodidbinding: 'demo' },
  serviceAccount: 'default',
  ...over,
});

/** Whether this pod may get a token, and of which identity. */
export const authorize = (
  asked: { readonly pod: PodView; readonly selector: Selector },
  view: ClusterView,
  authorizeRules: AuthorizeRules,
): Decision => deciderFor(asked.pod, view, authorizeRules)(asked.selector);

export interface IdentityDraft {
  readonly name: string;
  readonly namespace?: string;
  readonly resourceID?: string;
  readonly clientID?: string | undefined;
  readonly type?: IdentityType;
  readonly isNamespaced?: boolean;
  /** More of the spec, such as what a service principal needs. */
  readonly spec?: object;
}

export const identity = ({ name, namespace = 'default', ...over }: IdentityDraft): AzureIdentity => {
  const parsed = parseAzureIdentity({
    apiVersion,
    kind: 'AzureIdentity',
    metadata: {
      name,
      namespace,
      ...(over.isNamespaced ? { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } } : {}),
    },
    spec: {
      type: over.type ?? 0,
      resourceID: over.resourceID ?? resourceIdOf(name),
      ...('clientID' in over && over.clientID === undefined
        ? {}
        : { clientID: over.clientID ?? clientIdOf(name) }),
      ...over.spec,
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
};

export const binding = (
  of: string,
  over: {
    name?: string;
    namespace?: string;
    selector?: string;
    isDefault?: boolean;
    annotations?: Record<string, string>;
  } = {},
): AzureIdentityBinding => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: {
    name: over.name ?? `${of}-binding`,
    namespace: over.namespace ?? 'default',
    ...(over.annotations && { annotations: over.annotations }),
    ...(over.isDefault ? { annotations: { [defaultIdentityAnnotation]: 'true' } } : {}),
  },
  spec: { azureIdentity: of, selector: over.selector ?? 'demo' },
});

export const record = (
  of: AzureIdentity,
  state: AssignedState,
  over: { pod?: string; podNamespace?: string } = {},
): AzureAssignedIdentity => ({
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: { name: `${over.pod ?? 'web'}-${of.metadata.name}`, namespace: 'default' },
  spec: {
    azureIdentityRef: of,
    azureBindingRef: binding(of.metadata.name),
    pod: over.pod ?? 'web',
    podNamespace: over.podNamespace ?? 'default',
    nodename: 'node-1',
  },
  status: { status: state },
});

export const exception = (
  podLabels: Record<string, string>,
  namespace = 'default',
  clientIDs?: readonly string[],
): AzurePodIdentityException => ({
  apiVersion,
  kind: 'AzurePodIdentityException',
  metadata: { name: 'exception', namespace },
  spec: { podLabels, ...(clientIDs && { clientIDs }) },
});

export interface World {
  readonly identities?: readonly AzureIdentity[];
  readonly bindings?: readonly AzureIdentityBinding[];
  /** Hints of when to ask the metadata service again: see `onAssigned`. */
  readonly records?: readonly AzureAssignedIdentity[];
  readonly exceptions?: readonly AzurePodIdentityException[];
  readonly invalidExceptions?: readonly InvalidException[];
  readonly namespaces?: readonly NamespaceView[];
  readonly faults?: Readonly<Record<string, string>>;
}

/** Finds what the store of the informer finds. */
export const storeOf = (bindings: readonly AzureIdentityBinding[]) => ({
  by: (index: string, value: string) =>
    bindings.filter((one) => selectorIndexes[index]?.(one).includes(value) === true),
});

/** A cluster view that can be swapped for another one, as a watch would do it. */
export const viewOf = (first: World = {}) => {
  let world = first;
  let revision = 1;
  const listeners = new Set<() => void>();
  let hint: (namespace: string, identity: ResourceId) => void = () => undefined;
  const view: ClusterView = {
    get revision() {
      return revision;
    },
    bindingsWithSelector: (label) => bindingsOfSelector(storeOf(world.bindings ?? []), label),
    bindingsReachingOut: (label) => bindingsOfSelector(storeOf(world.bindings ?? []), label),
    bindingsWithConditions: (namespace) => storeOf(world.bindings ?? []).by('conditions', namespace),
    identityOf: (namespace, name) =>
      world.identities?.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    faultOf: (namespace, name) => world.faults?.[`${namespace}/${name}`],
    selectsUnlabelled: (namespace) => selectsUnlabelled(storeOf(world.bindings ?? []), namespace),
    namespaceOf: (name) => world.namespaces?.find((namespace) => namespace.name === name),
    exceptionsIn: (namespace) =>
      (world.exceptions ?? []).filter(({ metadata }) => metadata.namespace === namespace),
    invalidExceptionsIn: (asked) =>
      (world.invalidExceptions ?? []).filter(({ namespace }) => namespace === asked),
  };
  return {
    view,
    change: (next: World) => {
      world = next;
      revision += 1;
      for (const listener of [...listeners]) listener();
      for (const { spec, status } of next.records ?? [])
        if (status.status === 'Assigned')
          hint(spec.podNamespace, canonicalResourceId(spec.azureIdentityRef.spec.resourceID ?? ''));
    },
    /** Calls the listener for each record that says Assigned after a change, as the watch of records does. */
    onAssigned: (listener: typeof hint) => void (hint = listener),
    changes: {
      subscribe: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    get listeners() {
      return listeners.size;
    },
  };
};

export const rules: AuthorizeRules = {
  mode: 'standard',
  forceNamespaced: false,
  authorities: new Set(['login.microsoftonline.com', 'login.microsoftonline.us']),
  identityAccess: 'namespace',
  exceptionNamespaces: new Set(),
};

/** What was given to pod `web` for the identity. */
export const issuanceOf = (
  name: string,
  over: { expiresInMs?: number; now?: number; token?: string } = {},
) => ({
  pod: 'default/web',
  uid: 'uid-web',
  identity: `default/${name}`,
  from: 'miss' as const,
  issued: issuedTo(name, over),
  resource: 'https://vault.azure.net',
});

/** A token that says whose it is. */
export const issuedTo = (
  name: string,
  over: { expiresInMs?: number; now?: number; token?: string } = {},
): IssuedToken => ({
  access: {
    token: over.token ?? `token-of-${name}`,
    expiresOnTimestamp: (over.now ?? 0) + (over.expiresInMs ?? 3_600_000),
    tokenType: 'Bearer',
    resource: 'https://vault.azure.net',
    clientId: clientIdOf(name),
  },
  clientId: clientIdOf(name),
  objectId: objectIdOf(name),
});

export const subjectOf = (name: string, over: { clientId?: string } = {}): HostSubject => ({
  kind: 'identity',
  name: `default/${name}`,
  resourceId: canonicalResourceId(resourceIdOf(name)),
  clientId: over.clientId ?? clientIdOf(name),
});

export const wantedFor = <Subject extends TokenSubject>(
  subject: Subject,
  over: Partial<WantedToken<Subject>> = {},
): WantedToken<Subject> => ({
  subject,
  resource: 'https://vault.azure.net',
  bypassCache: false,
  ...over,
});

/** Lets every question begin at once. */
export const openQueue: TurnQueue = {
  waiting: 0,
  enter: (_, waiter) => {
    waiter.begin(() => undefined);
    return { withdraw: () => undefined };
  },
};

/** A pod that may ask as often as it likes. */
export const callerOf = (over: Partial<TokenCaller> & Partial<Tenant> = {}): TokenCaller => ({
  tenant: { namespace: over.namespace ?? 'default', pod: over.pod ?? 'uid-web' },
  admit: over.admit ?? (() => 0),
  ...(over.signal && { signal: over.signal }),
});

/** A caller who waits for as long as a test runs. */
export const patient: Patience = { deadline: 1e15, caller: { gone: new AbortController().signal } };

export const connection = (openedAt = 0, neighbour?: Neighbour) => new CallerConnection(openedAt, neighbour);

/** A kernel that says nothing of any address. */
export const nothingKnown: NeighbourTable = { of: () => undefined };
/** A kernel whose control groups cannot be read. */
export const nothingShown: RunningContainers = { of: () => 'unknown' };

export const inbound = (target: string, over: Partial<InboundRequest> = {}): InboundRequest => ({
  method: 'GET',
  target,
  headers: { metadata: 'true' },
  peer: '10.0.0.1',
  receivedAt: 0,
  connection: connection(),
  gone: new AbortController().signal,
  ...over,
});

export const tokenPath = '/metadata/identity/oauth2/token';

/** ServiceAccount `web` of namespace `pay`, and a managed identity. */
export const accessPair = (
  over: { namespace?: string; account?: string; identity?: string; names?: number } = {},
): AccessPair => {
  const { namespace = 'pay', account: name = 'web', identity: of = 'reader', names: count = 3 } = over;
  const parts = canonicalResourceId(resourceIdOf(of)).split('/');
  const names = [parts.join('/'), parts.slice(0, 5).join('/'), parts.slice(0, 3).join('/')].slice(0, count);
  const target = { resource: 'managedidentities' as const, names: names as unknown as [string, ...string[]] };
  return { subject: { namespace, name }, target, key: `${name} ${of}` };
};

/** Mode `namespace`: nothing may be asked. */
export const askNobody: AccessGuard = {
  now: () => {
    throw new Error('no right is asked for in mode namespace');
  },
  review: () => Promise.reject(new Error('no right is asked for in mode namespace')),
};
