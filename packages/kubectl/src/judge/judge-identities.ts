// What MIC says of identities, and what bindings and exceptions have wrong.
import type { AzurePodIdentityException } from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import { shellWord, type Remedy } from '@pod-identity/policy';
import {
  clientIdRemedy,
  listProblems,
  remedyFor,
  type BindingView,
  type IdentityView,
} from '../../../mic/src/commands/plug-in.ts';
import { hasAnyOf, unusable } from '../../../nmi/src/commands/plug-in.ts';
import type { ReadyCondition, Reported } from '../cluster/ready-condition.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import { configsOf, ownOf } from '../cluster/services.ts';
import { secretOf, type ClusterRead, type PodRead } from '../cluster/read-cluster.ts';
import { clusterProblem, editorProblem, type Causes, type Found } from './causes.ts';

const namespaceOf = (key: string) => key.slice(0, key.indexOf('/'));
const nameIn = (key: string) => key.slice(key.indexOf('/') + 1);

/** Why pods do not get an identity. */
export interface Refusal {
  readonly cause: Found;
  /** It holds also where the identity is assigned. */
  readonly isFinal: boolean;
  /** MIC misses a right. Each ServiceAccount's is judged as it is now. */
  readonly isOfRights: boolean;
}

/** Returns the refusals by identity. */
export function identityCauses(read: ClusterRead, causes: Causes): ReadonlyMap<string, Refusal> {
  const isShown = (key: string) => read.namespace === undefined || namespaceOf(key) === read.namespace;
  const refusals = new Map<string, Refusal>();
  for (const reported of itemsOf(read.identities)) {
    const refusal = refusalOf(reported, read);
    if (refusal === undefined) continue;
    refusals.set(reported.view.key, refusal);
    if (isShown(reported.view.key) && !refusal.isOfRights) causes.add(refusal.cause);
  }
  for (const cause of objectCauses(read, isShown)) causes.add(cause);
  exceptionCauses(read, causes);
  return refusals;
}

/** Of bindings, and of exceptions that are not valid. */
function objectCauses(
  { identities, bindings, invalidExceptions = [] }: ClusterRead,
  isShown: (key: string) => boolean,
): readonly Found[] {
  const known =
    identities.kind === 'read' ? new Set(identities.items.map(({ view }) => view.key)) : undefined;
  return [
    ...itemsOf(bindings)
      .filter(({ view }) => isShown(view.key))
      .flatMap(({ view }) => bindingCause(view, known)),
    ...invalidExceptions
      .filter((one) => isShown(keyOf(one)))
      .map((one) => invalid(`AzurePodIdentityException ${keyOf(one)}`, one.fault)),
  ];
}

type Valid = Extract<IdentityView, { readonly kind: 'valid' }>;

function refusalOf(
  { view, ready }: Reported<IdentityView>,
  { secrets, services }: ClusterRead,
): Refusal | undefined {
  const object = `AzureIdentity ${view.key}`;
  const final = { isFinal: true, isOfRights: false };
  if (view.kind === 'invalid') return { cause: invalid(object, listProblems(view.problems)), ...final };
  const fault = unservable(view, services);
  if (fault !== undefined) return { cause: fault, ...final };
  const secret = secretOf(view.identity);
  if (secret !== undefined && secrets.has(keyOf(secret)) && secrets.get(keyOf(secret)) !== true)
    return { cause: withoutSecret(view, secret, secrets.get(keyOf(secret))), ...final };
  if (ready === undefined || ready.status === 'True') return undefined;
  if (ready.reason === 'AccessDenied') return { cause: granted(object), isFinal: false, isOfRights: true };
  return { cause: condition(view, ready), isFinal: ready.reason === 'ClientIDMismatch', isOfRights: false };
}

/** What NMI refuses to serve to any pod. */
function unservable({ key, identity }: Valid, { nmi }: ClusterRead['services']): Found | undefined {
  const [config] = configsOf(ownOf(nmi));
  const fault = config && unusable(identity, config);
  if (fault === undefined) return undefined;
  const cause = invalid(`AzureIdentity ${key}`, fault, 'cannot be served');
  return identity.spec.type === 3
    ? { ...cause, actor: 'cluster administrator', remedy: installBroker }
    : cause;
}

const installBroker = { text: 'docs/administrator/federated.md has the steps' };

function invalid(object: string, fault: string, what = 'is not valid'): Found {
  const [kind = '', key = ''] = object.split(' ');
  return editorProblem({
    key: object,
    text: `${object} ${what}: ${fault}`,
    objects: [object],
    remedy: {
      text: 'correct it',
      command: `kubectl edit ${kind.toLowerCase()} ${shellWord(nameIn(key))} --namespace ${namespaceOf(key)}`,
    },
  });
}

function withoutSecret(
  { key: of, identity }: Valid,
  secret: { readonly namespace: string; readonly name: string },
  isThere: boolean | undefined,
): Found {
  const object = `AzureIdentity ${of}`;
  const [key, name] = [`secret ${object}`, keyOf(secret)];
  const content = identity.spec.type === 1 ? 'clientSecret' : 'certificate';
  const objects = [object, `Secret ${name}`];
  if (isThere === undefined)
    return {
      ...clusterProblem({
        key,
        text: `whether Secret ${name} of ${object} exists: you may not get it`,
        objects,
      }),
      state: 'unknown',
    };
  return editorProblem({
    key,
    text: `${object} names Secret ${name}, which does not exist`,
    objects,
    remedy: {
      text: `create it of a file ${content}, or correct spec.clientPassword`,
      command: `kubectl create secret generic ${shellWord(secret.name)} --namespace ${shellWord(secret.namespace)} --from-file=${content}`,
    },
  });
}

const waitingFor = (object: string, text: string): Found => ({
  key: object,
  state: 'waiting',
  text,
  actor: 'nobody',
  objects: [object],
  remedy: undefined,
});

const granted = (object: string): Found =>
  waitingFor(object, `the right to use ${object} is granted; MIC looks again within 5 minutes`);

const ofAzure: ReadonlySet<string> = new Set(['Rejected', 'HostRefused', 'ClientIDMismatch']);
const rejections = [
  'LinkedAuthorizationFailed',
  'FailedIdentityOperation',
  'IdentityNotFound',
  'InvalidIdentity',
] as const;

/** In words of MIC; commands are made here, since editors may be able to write conditions. */
function condition(view: Valid, { status, reason, message, isOutdated }: ReadyCondition): Found {
  const object = `AzureIdentity ${view.key}`;
  const [, said = '', advice = ''] = /^(.*?)(?:[.;] (.*))?$/m.exec(message) ?? [];
  if (isOutdated)
    return waitingFor(object, `${object}: MIC has not seen its last change yet; before: ${said}`);
  if (status !== 'False') return waitingFor(object, `${object}: ${said}`);
  const remedy = ofResource(view, reason, message) ?? (advice === '' ? undefined : { text: advice });
  return {
    ...editorProblem({ key: object, text: `${object}: ${said}`, objects: [object], remedy }),
    ...(ofAzure.has(reason) && { actor: 'Azure administrator' }),
  };
}

function ofResource({ key, resourceId: id }: Valid, reason: string, message: string): Remedy | undefined {
  if (id === undefined) return undefined;
  if (reason === 'ClientIDMismatch')
    return clientIdRemedy(id, { namespace: namespaceOf(key), name: nameIn(key) });
  const code = rejections.find((one) => message.includes(`(${one})`));
  return code && remedyFor({ code, id });
}

/** Among so many names a near one is looked for: an editor can write any number. */
const mostNames = 100;

/** `known`: the identities; undefined if they may not be read. */
function bindingCause(view: BindingView, known: ReadonlySet<string> | undefined): readonly Found[] {
  const object = `AzureIdentityBinding ${view.key}`;
  if (view.kind === 'invalid') return [invalid(object, listProblems(view.problems))];
  if (known === undefined || known.has(view.identityKey)) return [];
  return [
    editorProblem({
      key: object,
      text: `${object} names AzureIdentity ${view.identityKey}, which does not exist`,
      objects: [object],
      remedy: remedyOf(view, [...known]),
    }),
  ];
}

function remedyOf(view: Extract<BindingView, { kind: 'valid' }>, all: readonly string[]): Remedy {
  const [namespace, name] = [namespaceOf(view.key), nameIn(view.identityKey)];
  const own = all.filter((identity) => namespaceOf(identity) === namespace).map(nameIn);
  const meant = nearest(name, own.slice(0, mostNames));
  const patch = shellWord(JSON.stringify({ spec: { azureIdentity: meant } }));
  if (meant !== undefined)
    return {
      text: `'${meant}' is probably meant`,
      command: `kubectl patch azureidentitybinding ${shellWord(nameIn(view.key))} --namespace ${namespace} --type merge --patch ${patch}`,
    };
  const elsewhere = all.find((identity) => nameIn(identity) === name);
  return {
    text:
      elsewhere === undefined
        ? 'create it in the namespace of its binding, or correct spec.azureIdentity of the binding'
        : `AzureIdentity ${elsewhere} is in another namespace: a binding names one of its own namespace, so create it there too`,
  };
}

/** From so many pods of a namespace that have one label, and are most of it, it is the label of a team or a program. */
const wholeTeam = 3;

/** An exception is meant for a few system pods: all that it matches reach every identity of the machine. */
function exceptionCauses({ exceptions, pods }: ClusterRead, causes: Causes): void {
  const byNamespace = Map.groupBy(
    itemsOf(pods).filter(({ isFinished }) => !isFinished),
    ({ namespace }) => namespace,
  );
  for (const exception of itemsOf(exceptions)) {
    const { name, namespace = '' } = exception.metadata;
    const all = byNamespace.get(namespace) ?? [];
    const matched = all.filter((pod) => isExcepted(pod, exception));
    const accounts = new Set(matched.map(({ serviceAccount }) => serviceAccount));
    const isBroad = accounts.size > 1 || matched.length * 2 > all.length;
    if (matched.length < wholeTeam || !isBroad || systemNamespaces.has(namespace)) continue;
    const object = `AzurePodIdentityException ${namespace}/${name}`;
    const cause = editorProblem({
      key: object,
      text: `${object} matches the pods of a whole team: all of them reach the machine's own identities`,
      objects: [object],
      remedy: {
        text: 'give the pods that need it a label of their own, and name that in spec.podLabels',
        command: `kubectl edit azurepodidentityexception ${shellWord(name)} --namespace ${namespace}`,
      },
    });
    for (const pod of matched) causes.add(cause, keyOf(pod));
  }
}

const systemNamespaces: ReadonlySet<string> = new Set(['aad-pod-identity', 'kube-system']);

export const isExcepted = ({ labels }: PodRead, { spec }: AzurePodIdentityException): boolean =>
  hasAnyOf(labels, spec.podLabels);
