// `kubectl azure-pod-identity migrate`: shows where the cluster stands, or the state of one change, and the next commands.
import { federatedTarget, parseAccessTarget, type AccessTarget } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { getAllowed } from '../cluster/lists.ts';
import { isForPrograms } from '../print/output.ts';
import { accountsOf, specOf } from './facts.ts';
import { isBlocked, planLines, planObject, type Plan } from './plan.ts';
import {
  assignedPods,
  bindingsOf,
  findIssuer,
  readBound,
  readStoredIdentity,
  readUsers,
  reviewRightsOn,
  serviceFacts,
  usersOf,
} from './read-facts.ts';
import { showMigrationState } from './migration-state.ts';
import { toAttached } from './to-attached.ts';
import { idsOf, toFederated } from './to-federated.ts';
import { toWorkloadIdentity } from './to-workload-identity.ts';

const steps = {
  'to-federated': planForward,
  'to-attached': planBack,
  'to-workload-identity': planWorkload,
} as const;
type StepName = keyof typeof steps;

export const migrateCommand: PlugInCommand = {
  name: 'migrate',
  summary: 'shows where the cluster stands and the steps of the next change, with the next commands',
  args: [
    { name: 'step', what: Object.keys(steps).join(', '), optional: true },
    {
      name: 'object',
      what: 'NAMESPACE/NAME of the AzureIdentity, or of the ServiceAccount for to-workload-identity',
      optional: true,
    },
  ],
  options: [
    { flags: '--tenant <id>', what: 'to-federated: tenant of an AzureIdentity that does not state it' },
    {
      flags: '--client-id <id>',
      what: 'as Azure has it, if the AzureIdentity does not state it, or MIC does not confirm it',
    },
    { flags: '--resource-id <id>', what: 'ARM id, for the same two cases' },
    { flags: '--accounts <list>', what: 'further ServiceAccounts to grant the right, as NAMESPACE/NAME,…' },
    {
      flags: '--identity <name>',
      what: 'to-workload-identity: NAMESPACE/NAME, if the pods use several AzureIdentities',
    },
    {
      flags: '--credential-exists',
      what: 'the federated credential is there, and Microsoft Entra gives a token for it',
    },
    { flags: '--remove-binding', what: 'to-workload-identity: the app gets its tokens without NMI' },
  ],
  examples: [
    'migrate',
    'migrate to-federated pay/vault',
    'migrate to-attached pay/vault',
    'migrate to-workload-identity pay/web',
  ],
  async run(session, { args: [word, object = ''], options }) {
    if (word === undefined) return showMigrationState(session);
    if (!Object.hasOwn(steps, word))
      throw new CommandProblem(
        `migrate ${word} is not understood; the steps are ${Object.keys(steps).join(', ')}`,
      );
    const step = word as StepName;
    const key = parseObjectName(
      object,
      step === 'to-workload-identity' ? 'ServiceAccount' : 'AzureIdentity',
      session,
    );
    const plan = await steps[step](session, key, options);
    if (isForPrograms(session)) session.out.object({ plans: [planObject(plan)] });
    else for (const line of planLines(plan)) session.out.line(line);
    return isBlocked(plan) ? exitCodes.problem : exitCodes.ok;
  },
};

type Choice = Given['options'];

const textOf = (options: Choice, name: string) => {
  const value = options[name];
  return typeof value === 'string' ? value : '';
};

async function readChange(session: Session, key: ObjectName) {
  const [identity, { read, pods }] = await Promise.all([
    readStoredIdentity(session, key),
    readBound(session),
  ]);
  const users = await readUsers(session, identity, usersOf(pods, keyOf(key)));
  const rightsOn = async (target: AccessTarget | undefined, accounts: readonly ObjectName[]) => {
    const found = target && (await reviewRightsOn(session, target, accounts));
    return found && { ...found, unknown: [...users.unknown, ...found.unknown] };
  };
  const without = users.refused.map(keyOf).join(', ');
  const note = `pods of ${without} are bound to it and have no right on it: they get none by this plan`;
  const withNote = (plan: Plan): Plan => (without === '' ? plan : { ...plan, notes: [...plan.notes, note] });
  const spec = specOf(identity);
  return {
    identity,
    pods: users.pods,
    services: serviceFacts(read.services),
    read,
    spec,
    rightsOn,
    withNote,
  };
}

async function planForward(session: Session, key: ObjectName, options: Choice): Promise<Plan> {
  const { spec, rightsOn, withNote, ...seen } = await readChange(session, key);
  const given = { tenant: textOf(options, 'tenant'), clientId: textOf(options, 'clientId') };
  const { tenant, clientId } = idsOf(spec, given);
  const target = federatedTarget(tenant, clientId);
  const named = textOf(options, 'accounts').split(',').filter(Boolean);
  const more = named.map((text) => parseObjectName(text, 'ServiceAccount', { namespace: undefined }));
  const rights = await rightsOn(target.ok ? target.value : undefined, [...accountsOf(seen.pods), ...more]);
  const isCredentialThere = options['credentialExists'] === true;
  return withNote(
    toFederated({ ...seen, rights, issuer: await findIssuer(session) }, { ...given, isCredentialThere }),
  );
}

async function planBack(session: Session, key: ObjectName, options: Choice): Promise<Plan> {
  const { spec, rightsOn, withNote, ...seen } = await readChange(session, key);
  const resourceId = textOf(options, 'resourceId');
  const stated = spec.resourceID ?? '';
  const target = parseAccessTarget(stated === '' ? resourceId : stated);
  const accounts = accountsOf(seen.pods.filter(({ isRbac }) => isRbac));
  const rights = await rightsOn(target.ok && accounts.length > 0 ? target.value : undefined, accounts);
  return withNote(
    toAttached({ ...seen, rights, assigned: assignedPods(seen.read, keyOf(key)) }, { resourceId }),
  );
}

/** `--identity`: the AzureIdentity, if the pods of the ServiceAccount use several or none. */
async function planWorkload(session: Session, account: ObjectName, options: Choice): Promise<Plan> {
  const { kube, signal } = session;
  const got = await getAllowed({ kube, signal, kind: clusterKinds.serviceAccounts, ...account });
  if (got.kind !== 'read')
    throw new CommandProblem(`ServiceAccount ${keyOf(account)} could not be read: ${got.text}`);
  const { read, pods } = await readBound(session);
  const own = pods.filter((pod) => keyOf(pod.account) === keyOf(account));
  const named = textOf(options, 'identity');
  const keys = named === '' ? own.flatMap(({ identities }) => identities.map(({ key }) => key)) : [named];
  const [key = '', ...others] = new Set(keys);
  if (key === '' || others.length > 0)
    throw new CommandProblem(
      `its pods use ${[key, ...others].join(', ') || 'no AzureIdentity'}: name one by --identity NAMESPACE/NAME`,
    );
  const stored = parseObjectName(key, 'AzureIdentity', session);
  const identity = await readStoredIdentity(session, stored);
  // Without pods the mode of its namespace is not looked at: rights count for identities of type 3 alone.
  const alone = { key: '', account, isRbac: false, isPlaced: false, identities: [] };
  const { refused, unknown } = await readUsers(session, identity, own.length > 0 ? own : [alone]);
  const refusal = [...(refused.length > 0 ? ['it has no right on the identity'] : []), ...unknown][0];
  return toWorkloadIdentity(
    {
      account: { ...account, object: got.object },
      identity,
      refusal,
      issuer: await findIssuer(session),
      pods: usersOf(pods, key),
      bindings: bindingsOf(read, stored),
    },
    {
      clientId: textOf(options, 'clientId'),
      resourceId: textOf(options, 'resourceId'),
      isCredentialThere: options['credentialExists'] === true,
      isBindingRemoved: options['removeBinding'] === true,
    },
  );
}
