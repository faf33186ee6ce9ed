import {
  accountRemedy,
  bindingLabel,
  explainTooMany,
  onlyWithAccount,
  overShare,
  tooManyRemedy,
} from '@pod-identity/crd-types';
import type { Skip, SkipReason } from '../plan/types.ts';
import { info, ok, problem, waiting, type Finding } from './finding.ts';
import { accessRemedy, sentence, type NoAccess } from './no-access.ts';

const unboundRemedy =
  'create one, or change the pod’s label; selectors are compared as a whole and with case';

/** Why a pod, or one of its bindings, gets no assignment. */
export function explainSkip(skip: Skip): Finding[] {
  return [explanations[skip.reason](skip)].flat();
}

const explanations: Readonly<Record<SkipReason, (skip: Skip) => Finding | Finding[]>> = {
  'not-listed': ({ pod }) => problem('namespace', notListed(pod.namespace), { text: notListedRemedy }),
  'not-scheduled': () => waiting('node', 'no node has been chosen for the pod yet'),
  finished: () => info('pod', 'has finished: it needs no identity any more'),
  'no-account': () => withoutAccount,
  'node-missing': ({ pod }) =>
    problem('node', `${pod.nodeName} does not exist`, { text: 'the pod will be removed with its node' }),
  'node-without-host': ({ identity = '', detail = '' }) =>
    problem('host', `AzureIdentity ${identity} is a managed identity, which only an Azure host can carry`, {
      text: `run the pod on an Azure node: ${detail}`,
    }),
  'empty-label': () =>
    problem('label', `${bindingLabel} is empty`, {
      text: 'set it to the selector of an AzureIdentityBinding',
    }),
  'no-binding': ({ pod, leftOut }) =>
    problem('binding', `no valid AzureIdentityBinding has the selector ${pod.bindingLabel}`, {
      text: `${unboundRemedy}${leftOut === true ? `; or it is left out: ${overShare('AzureIdentityBindings')}` : ''}`,
    }),
  'not-selected': ({ pod, binding = '' }) =>
    problem(
      'binding',
      `${binding} has the selector ${pod.bindingLabel}, but its podSelector or serviceAccountName is for other pods`,
      { text: 'change the binding, or the pod in its template' },
    ),
  'identity-missing': (skip) => [
    selects(skip),
    problem('identity', `there is no AzureIdentity ${skip.identity ?? ''}`, {
      text: 'create it in the namespace of its binding, or correct the binding',
    }),
  ],
  'identity-invalid': (skip) => [
    selects(skip),
    problem('identity', `AzureIdentity ${skip.identity ?? ''} is invalid`, { text: skip.detail ?? '' }),
  ],
  'other-namespace': ({ pod, binding = '', identity = '', detail }) =>
    problem(
      'namespace',
      `${binding} selects the pod, but AzureIdentity ${identity} is for pods of its own namespace only`,
      { text: createInOwn(pod.namespace, detail) },
    ),
  shadowed: ({ binding = '', identity = '' }) =>
    info('binding', `${binding} adds nothing: an identity of the same name as ${identity} matched already`),
  'too-many-bindings': ({ binding = '' }) =>
    problem('binding', explainTooMany(binding), { text: tooManyRemedy }),
  'access-denied': (skip) => {
    const missing = noAccessOf(skip);
    return [selects(skip), problem('access', sentence(missing), accessRemedy(missing))];
  },
  'access-warned': (skip) => {
    const missing = noAccessOf(skip);
    return info(
      'access',
      `${sentence(missing)}: --identity-access=rbac would refuse it`,
      accessRemedy(missing),
    );
  },
  'access-unknown': (skip) => [
    selects(skip),
    waiting(
      'access',
      `whether ServiceAccount ${skip.pod.namespace}/${skip.pod.serviceAccount} may use AzureIdentity ${skip.identity ?? ''} is not known yet: nothing is changed until the API server has answered${skip.leftOut === true ? `. ${manyRights}` : ''}`,
    ),
  ],
};

export const withoutAccount = problem('pod', `it has no ServiceAccount, ${onlyWithAccount}`, {
  text: accountRemedy,
});

const notListed = (namespace: string) =>
  `MIC has not listed all pods of namespace ${namespace} yet, which has bindings by podSelector or serviceAccountName: until then its pods keep what they have`;

const notListedRemedy = 'it goes on by itself; the log of MIC says why a list fails';

/** A sentence without the full stop. */
export const noRoomForLabels =
  'MIC has no room for the labels of this pod, so that no podSelector selects it: the pods of its namespace have too many different labels, or those of all namespaces together';

export const noRoomRemedy =
  'give the pods fewer labels or delete pods; the labels are read again with the next change of the pod';

/** A sentence without the full stop. */
export const manyRights =
  'Pods of this namespace need more rights than MIC asks about for one namespace (10,000 pairs of ServiceAccount and identity): for the others nothing is attached or detached until pods go';

export function noAccessOf({ pod, identity = '', access, detail }: Skip): NoAccess {
  const { subject = { namespace: pod.namespace, name: pod.serviceAccount }, targets = [] } = access ?? {};
  return { identity, subject, targets, problem: detail };
}

function createInOwn(namespace: string, labelsFault: string | undefined): string {
  const create = `create AzureIdentity and binding in namespace ${namespace}`;
  return labelsFault === undefined
    ? create
    : `${create}; or remove labels of Namespace ${namespace}: ${labelsFault}`;
}

function selects({ binding = '', identity = '' }: Skip): Finding {
  return ok('binding', `${binding} selects the pod and names AzureIdentity ${identity}`);
}
