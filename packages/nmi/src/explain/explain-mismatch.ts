import {
  accountRemedy,
  bindingLabel,
  explainTooMany,
  failedCondition,
  onlyWithAccount,
  overShare,
  tooManyRemedy,
  type Mismatch,
  type MismatchReason,
} from '@pod-identity/crd-types';
import { info, problem, type Finding } from './finding.ts';
import type { ExplainWorld } from './world.ts';

/** Why the pod gets nothing, or not more, by one binding. */
export function explainMismatch(mismatch: Mismatch, world: ExplainWorld): Finding {
  const { reason, binding = '', identity = '' } = mismatch;
  return explanations[reason]({ binding, identity }, world);
}

interface Concerned {
  readonly binding: string;
  readonly identity: string;
}

const explanations: Readonly<Record<MismatchReason, (told: Concerned, world: ExplainWorld) => Finding>> = {
  'no-account': () => problem('pod', `it has no ServiceAccount, ${onlyWithAccount}`, { text: accountRemedy }),
  'no-label': (_, world) =>
    problem('label', `the pod has no label ${bindingLabel}${andUnselected(world)}`, {
      text: 'set it to the selector of an AzureIdentityBinding, in the template of the pod too',
      command: labelIt(world.pod),
    }),
  'empty-label': (_, world) =>
    problem('label', `${bindingLabel} is empty${andUnselected(world)}`, {
      text: 'set it to the selector of an AzureIdentityBinding',
      command: labelIt(world.pod),
    }),
  'no-binding': (_, world) =>
    problem('binding', `no valid AzureIdentityBinding has the selector ${labelOf(world.pod)}`, {
      text: createOrRaise(world),
      command: 'kubectl get azureidentitybindings --all-namespaces',
    }),
  'other-namespace': ({ binding, identity }, world) =>
    problem('binding', `${binding} selects the pod, but ${identity} is for pods of its own namespace only`, {
      text: createInOwn(world),
    }),
  shadowed: ({ binding, identity }) =>
    info('binding', `${binding} adds nothing: an identity of the same name as ${identity} matched already`),
  'not-selected': ({ binding }, world) =>
    problem('binding', `${binding} has the pod’s label, but ${conditionOf(binding, world)}`, {
      text: 'change the binding, or the pod in its template',
      command: `kubectl get azureidentitybindings --namespace ${world.pod.namespace} --output yaml`,
    }),
  'too-many-bindings': ({ binding }) => problem('binding', explainTooMany(binding), { text: tooManyRemedy }),
  'identity-missing': (told, { view }) => missing(view, told),
};

function andUnselected({ pod, view }: ExplainWorld): string {
  return view.selectsUnlabelled(pod.namespace)
    ? ', and no binding of its namespace selects it by podSelector or serviceAccountName'
    : '';
}

function labelIt({ name, namespace }: ExplainWorld['pod']): string {
  return `kubectl label pod ${name} --namespace ${namespace} --overwrite ${bindingLabel}=SELECTOR`;
}

function createOrRaise({ pod, view }: ExplainWorld): string {
  const create = 'create one, or change the pod’s label; selectors are compared as a whole and with case';
  return view.leavesOutBindings(pod.namespace)
    ? `${create}; or it is left out: ${overShare('AzureIdentityBindings')}`
    : create;
}

function createInOwn({ pod: { namespace }, view }: ExplainWorld): string {
  const create = `create AzureIdentity and binding in namespace ${namespace}`;
  const fault = view.namespaceOf(namespace)?.labelsFault;
  return fault === undefined ? create : `${create}; or remove labels of Namespace ${namespace}: ${fault}`;
}

/** What of a binding of the pod's namespace does not hold. */
function conditionOf(binding: string, { pod, view }: ExplainWorld): string {
  const found = view
    .bindingsWithSelector(labelOf(pod))
    .of(pod.namespace)
    .find(({ metadata }) => `${pod.namespace}/${metadata.name}` === binding);
  const failed = found && failedCondition(found, pod);
  return `its ${failed ?? 'other condition'} does not hold for the pod`;
}

function labelOf({ labels }: ExplainWorld['pod']): string {
  return labels[bindingLabel] ?? '';
}

function missing(
  view: ExplainWorld['view'],
  { binding, identity }: { binding: string; identity: string },
): Finding {
  const [namespace = '', name = ''] = identity.split('/');
  const fault = view.faultOf(namespace, name);
  return fault === undefined
    ? problem('identity', `${binding} selects the pod, but there is no AzureIdentity ${identity}`, {
        text: 'create it in the namespace of its binding, or correct spec.azureIdentity of the binding',
      })
    : problem('identity', `${binding} selects the pod, but AzureIdentity ${identity} is not valid`, {
        text: fault,
      });
}
