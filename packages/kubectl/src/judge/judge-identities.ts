// What MIC says of identities and bindings, and what they name that is not there.
import type { AzurePodIdentityException } from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import { listProblems } from '../../../mic/src/commands/plug-in.ts';
import type { ReadyCondition } from '../cluster/cluster-view.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import { secretOf, type ClusterRead, type PodRead } from '../cluster/read-cluster.ts';
import type { Causes } from './causes.ts';
import type { Actor, Cause } from './report.ts';

const namespaceOf = (key: string) => key.slice(0, key.indexOf('/'));
const nameIn = (key: string) => key.slice(key.indexOf('/') + 1);

/** Returns the key of the cause for which pods do not get an identity. */
export function identityCauses(
  read: ClusterRead,
  causes: Causes,
): (identity: string, isAssigned: boolean) => string | undefined {
  const isShown = (key: string) => read.namespace === undefined || namespaceOf(key) === read.namespace;
  const refused = new Map<string, { readonly cause: string; readonly isFinal: boolean }>();
  const add = (cause: Omit<Cause, 'pods'>) => void causes.add(cause);
  for (const { view, ready } of itemsOf(read.identities)) {
    const object = `AzureIdentity ${view.key}`;
    const key = `identity ${view.key}`;
    const secret = view.kind === 'valid' ? secretOf(view.identity) : undefined;
    if (view.kind === 'invalid') {
      if (isShown(view.key)) add(invalid(key, object, listProblems(view.problems)));
    } else if (secret !== undefined && read.secrets.get(keyOf(secret)) === false) {
      refused.set(view.key, { cause: `secret ${view.key}`, isFinal: true });
      add({
        key: `secret ${view.key}`,
        state: 'problem',
        text: `${object} names Secret ${keyOf(secret)}, which does not exist`,
        actor: 'editor of the namespace',
        objects: [object, `Secret ${keyOf(secret)}`],
        remedy: {
          text: 'create it, or correct spec.clientPassword',
          command: `kubectl create secret generic ${secret.name} --namespace ${secret.namespace} --from-literal=clientSecret=SECRET`,
        },
      });
    } else if (ready !== undefined && ready.status !== 'True') {
      // Rights are judged for each ServiceAccount, as they are now.
      if (ready.reason === 'AccessDenied') continue;
      if (ready.status === 'False' && !ready.isOutdated)
        refused.set(view.key, { cause: key, isFinal: ready.reason === 'ClientIDMismatch' });
      if (isShown(view.key) || refused.has(view.key)) add(condition(key, object, ready));
    }
  }
  bindingCauses(read, { isShown, add });
  exceptionCauses(read, causes);
  return (identity, isAssigned) => {
    const refusal = refused.get(identity);
    return refusal === undefined || (isAssigned && !refusal.isFinal) ? undefined : refusal.cause;
  };
}

const invalid = (key: string, object: string, fault: string): Omit<Cause, 'pods'> => ({
  key,
  state: 'problem',
  text: `${object} is not valid: ${fault}`,
  actor: 'editor of the namespace',
  objects: [object],
  remedy: {
    text: 'correct it',
    command: `kubectl edit ${object.split(' ')[0]?.toLowerCase() ?? ''} ${shellWord(nameIn(object))} --namespace ${namespaceOf(object.split(' ')[1] ?? '')}`,
  },
});

const ofAzure: ReadonlySet<string> = new Set(['Rejected', 'HostRefused', 'IdentityNotFound', 'MissingRole']);

/** The first line of MIC's message is the sentence; commands or a manifest may follow. */
function condition(key: string, object: string, ready: ReadyCondition): Omit<Cause, 'pods'> {
  const [sentence = '', ...more] = ready.message.split('\n');
  const actor: Actor = ofAzure.has(ready.reason) ? 'Azure administrator' : 'editor of the namespace';
  const isProblem = ready.status === 'False' && !ready.isOutdated;
  const said = sentence.replace(/:$/, '');
  return {
    key,
    state: isProblem ? 'problem' : 'waiting',
    text: ready.isOutdated
      ? `${object}: MIC has not seen its last change yet; before: ${said}`
      : `${object}: ${said}`,
    actor: isProblem ? actor : 'nobody',
    objects: [object],
    remedy: more.length === 0 ? undefined : { text: 'as MIC says', paste: more.join('\n') },
  };
}

interface Adding {
  readonly isShown: (key: string) => boolean;
  readonly add: (cause: Omit<Cause, 'pods'>) => void;
}

function bindingCauses({ bindings, identities }: ClusterRead, { isShown, add }: Adding): void {
  const all = itemsOf(identities).map(({ view }) => view.key);
  const known = new Set(all);
  for (const { view } of itemsOf(bindings)) {
    const object = `AzureIdentityBinding ${view.key}`;
    const key = `binding ${view.key}`;
    if (!isShown(view.key)) continue;
    if (view.kind === 'invalid') {
      add(invalid(key, object, listProblems(view.problems)));
      continue;
    }
    if (identities.kind !== 'read' || known.has(view.identityKey)) continue;
    const [namespace, name] = [namespaceOf(view.key), nameIn(view.identityKey)];
    const own = all.filter((identity) => namespaceOf(identity) === namespace).map(nameIn);
    const meant = nearest(name, own);
    const elsewhere = all.find((identity) => nameIn(identity) === name);
    const patch = shellWord(JSON.stringify({ spec: { azureIdentity: meant } }));
    add({
      key,
      state: 'problem',
      text: `${object} names AzureIdentity ${view.identityKey}, which does not exist`,
      actor: 'editor of the namespace',
      objects: [object],
      remedy:
        meant !== undefined
          ? {
              text: `'${meant}' is probably meant`,
              command: `kubectl patch azureidentitybinding ${nameIn(view.key)} --namespace ${namespace} --type merge --patch ${patch}`,
            }
          : elsewhere !== undefined
            ? {
                text: `AzureIdentity ${elsewhere} is in another namespace: a binding names one of its own namespace, so create it there too`,
              }
            : {
                text: 'create it in the namespace of its binding, or correct spec.azureIdentity of the binding',
              },
    });
  }
}

/** From so many pods on that have one label, it is the label of a team or of a program, and no exception's. */
const wholeTeam = 3;

/** An exception is meant for a few system pods: one that most pods of its namespace match opens the machine to all of them. */
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
    if (matched.length < wholeTeam || (accounts.size < 2 && matched.length * 2 <= all.length)) continue;
    if (['aad-pod-identity', 'kube-system'].includes(namespace)) continue;
    const object = `AzurePodIdentityException ${namespace}/${name}`;
    const cause: Omit<Cause, 'pods'> = {
      key: `exception ${namespace}/${name}`,
      state: 'problem',
      text: `${object} matches the pods of a whole team: all of them reach the machine's own identities`,
      actor: 'editor of the namespace',
      objects: [object],
      remedy: {
        text: 'give the pods that need it a label of their own, and name that in spec.podLabels',
        command: `kubectl edit azurepodidentityexception ${name} --namespace ${namespace}`,
      },
    };
    for (const pod of matched) causes.add(cause, keyOf(pod));
  }
}

export function isExcepted(pod: PodRead, { spec }: AzurePodIdentityException): boolean {
  return Object.entries(spec.podLabels).some(([key, value]) => pod.labels[key] === value);
}
