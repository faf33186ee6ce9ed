// `kubectl azure-pod-identity migrate`: shows where the cluster stands, or the state of one change, and the next commands.
import { federatedTarget } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { inPlugIn, shellWord } from '@pod-identity/policy';
import { parseObjectName } from '../cli/arguments.ts';
import {
  CommandProblem,
  exitCodes,
  type Given as Call,
  type PlugInCommand,
  type Session,
} from '../cli/command.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { readIssuer } from '../cluster/issuer.ts';
import { getAllowed, itemsOf, unknownOf } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { isForPrograms } from '../print/output.ts';
import { isBlocked, planLines, planObject, type Given, type Plan } from './plan.ts';
import {
  accountsOf,
  bindingsOf,
  readBound,
  readStoredIdentity,
  readUsers,
  reviewRightsOn,
  serviceFacts,
  usersOf,
} from './read-facts.ts';
import { idsOf, toFederated } from './to-federated.ts';
import { toWorkloadIdentity } from './to-workload-identity.ts';

const steps = ['to-federated', 'to-workload-identity'];

export const migrateCommand: PlugInCommand = {
  name: 'migrate',
  summary: 'shows where the cluster stands and the steps of the next change, with the next commands',
  args: [
    { name: 'step', what: steps.join(', '), optional: true },
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
  examples: ['migrate', 'migrate to-federated pay/vault', 'migrate to-workload-identity pay/web'],
  async run(session, { args: [word, object = ''], options }) {
    if (word === undefined) return showMigrationState(session);
    if (!steps.includes(word))
      throw new CommandProblem(`migrate ${word} is not understood; the steps are ${steps.join(', ')}`);
    const isOfAccount = word === 'to-workload-identity';
    const key = parseObjectName(object, isOfAccount ? 'ServiceAccount' : 'AzureIdentity', session);
    const given = givenIn(options);
    const plan = isOfAccount
      ? await planWorkload(session, key, { named: textOf(options, 'identity'), given })
      : await planFederated(session, key, given);
    if (isForPrograms(session)) session.out.object({ plans: [planObject(plan)] });
    else for (const line of planLines(plan)) session.out.line(line);
    return isBlocked(plan) ? exitCodes.problem : exitCodes.ok;
  },
};

const textOf = (options: Call['options'], name: string) => {
  const value = options[name];
  return typeof value === 'string' ? value : '';
};
const givenIn = (options: Call['options']): Given => ({
  tenant: textOf(options, 'tenant'),
  clientId: textOf(options, 'clientId'),
  resourceId: textOf(options, 'resourceId'),
  isCredentialThere: options['credentialExists'] === true,
  isBindingRemoved: options['removeBinding'] === true,
});

async function planFederated(session: Session, key: ObjectName, given: Given): Promise<Plan> {
  const [identity, { read, pods: all }] = await Promise.all([
    readStoredIdentity(session, key),
    readBound(session),
  ]);
  const { pods, refused, unknown } = await readUsers(session, identity, usersOf(all, keyOf(key)));
  const ids = idsOf(identity, given);
  const target = federatedTarget(ids.tenant, ids.clientId);
  const accounts = accountsOf(pods);
  const found =
    target.ok && accounts.length > 0 ? await reviewRightsOn(session, target.value, accounts) : undefined;
  const rights = found && { ...found, unknown: [...unknown, ...found.unknown] };
  const services = serviceFacts(read.services);
  const plan = toFederated({ identity, pods, services, rights, issuer: await readIssuer(session) }, given);
  const without = refused.map(keyOf).join(', ');
  const note = `pods of ${without} are bound to it and have no right on it: they get none by this plan`;
  return without === '' ? plan : { ...plan, notes: [...plan.notes, note] };
}

/** `named`: the AzureIdentity, if the pods of the ServiceAccount use several or none; else empty. */
async function planWorkload(
  session: Session,
  account: ObjectName,
  { named, given }: { readonly named: string; readonly given: Given },
): Promise<Plan> {
  const { kube, signal } = session;
  const got = await getAllowed({ kube, signal, kind: clusterKinds.serviceAccounts, ...account });
  if (got.kind !== 'read')
    throw new CommandProblem(`ServiceAccount ${keyOf(account)} could not be read: ${got.text}`);
  const { read, pods } = await readBound(session);
  const own = pods.filter((pod) => keyOf(pod.account) === keyOf(account));
  const keys = named === '' ? own.flatMap(({ identities }) => identities) : [named];
  const [key = '', ...others] = new Set(keys);
  if (key === '' || others.length > 0)
    throw new CommandProblem(
      `its pods use ${[key, ...others].join(', ') || 'no AzureIdentity'}: name one by --identity NAMESPACE/NAME`,
    );
  const stored = parseObjectName(key, 'AzureIdentity', session);
  const identity = await readStoredIdentity(session, stored);
  // Without pods the mode of its namespace is not looked at: rights count for identities of type 3 alone.
  const alone = { key: '', account, isRbac: false, identities: [] };
  const { refused, unknown } = await readUsers(session, identity, own.length > 0 ? own : [alone]);
  const facts = {
    account: { ...account, object: got.object },
    identity,
    refusal: refused.length > 0 ? 'it has no right on the identity' : unknown[0],
    issuer: await readIssuer(session),
    pods: usersOf(pods, keyOf(stored)),
    bindings: bindingsOf(read, stored),
  };
  return toWorkloadIdentity(facts, given);
}

/** Where the cluster stands, and the next step. */
async function showMigrationState(session: Session): Promise<number> {
  const found = migrationStateOf(await readCluster({ ...session, namespace: undefined }));
  const { state, unknown, next } = found;
  if (isForPrograms(session)) session.out.object(found);
  else
    for (const line of [...state, ...unknown.map((text) => `not known: ${text}`), `next: ${next}`])
      session.out.line(line);
  return unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

/** Fields of the JSON. */
export type MigrationState = ReturnType<typeof migrationStateOf>;

export function migrationStateOf({ services, identities }: Pick<ClusterRead, 'services' | 'identities'>) {
  const { mic, nmi, broker } = services;
  const views = itemsOf(identities).flatMap(({ view }) => (view.kind === 'valid' ? [view] : []));
  const ofType = (...types: readonly number[]) =>
    views.filter(({ identity }) => types.includes(identity.spec.type)).map(({ key }) => key);
  const unknown = [...services.unknown, ...unknownOf(identities)];
  const isOf = (wanted: boolean) =>
    [...mic, ...nmi].filter(({ isOriginal }) => isOriginal === wanted).map(keyOf);
  const [originals, own, attached] = [isOf(true), isOf(false), ofType(0)];
  const shown = (names: readonly string[]) => {
    const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
    if (names.length > 0) return `${names.length} (${names.slice(0, 5).join(', ')}${more})`;
    return unknown.length > 0 ? 'none seen' : 'none';
  };
  const hasBroker = broker.length > 0 ? 'yes' : unknown.length > 0 ? 'not seen' : 'no';
  const state = [
    `MIC and NMI of the original: ${shown(originals)}`,
    `MIC and NMI of this project: ${shown(own)}; broker: ${hasBroker}`,
    `AzureIdentities attached to machines (type 0): ${shown(attached)}`,
    `AzureIdentities of service principals (types 1 and 2): ${shown(ofType(1, 2))}`,
    `AzureIdentities that are federated (type 3): ${shown(ofType(3))}`,
  ];
  const nextStep = () => {
    if (originals.length > 0)
      return 'replace MIC and NMI of the original: docs/administrator/from-the-original.md';
    if (own.length === 0)
      return unknown.length > 0
        ? 'ask as somebody who may list what is not known here'
        : 'install this project: docs/administrator/quickstart.md';
    if (attached[0] === undefined) return inPlugIn('migrate to-workload-identity NAMESPACE/SERVICEACCOUNT');
    if (broker.length === 0) return 'install the broker: docs/administrator/federated.md';
    return inPlugIn(`migrate to-federated ${shellWord(attached[0])}`);
  };
  return { state, unknown, next: nextStep() };
}
