// `kubectl azure-pod-identity migrate`: shows the state of one change, and the next commands.
import { resources } from '@pod-identity/crd-types';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { fieldAt, nameOf, type ObjectName } from '../cluster/fields.ts';
import { isForPrograms } from '../print/output.ts';
import { mustList } from './read-identity.ts';
import { readMigrationFacts } from './read-cluster.ts';
import { planOf, steps, type StepName } from './make-plan.ts';
import { isBlocked, planLines, planObject, type Plan } from './plan.ts';
import { migrationStateLines, migrationStateOf } from './migration-state.ts';

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
    { flags: '--all', what: 'to-federated: all AzureIdentities of type 0 of the namespace' },
    { flags: '--tenant <id>', what: 'to-federated: tenant of an AzureIdentity that does not state it' },
    {
      flags: '--client-id <id>',
      what: 'client id as Azure has it, if the AzureIdentity does not state it, or MIC does not confirm it',
    },
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
    {
      flags: '--resource-id <id>',
      what: 'ARM id as Azure has it, if the AzureIdentity does not state it, or MIC does not confirm it',
    },
  ],
  examples: [
    'migrate',
    'migrate to-federated pay/vault',
    'migrate to-attached pay/vault',
    'migrate to-workload-identity pay/web',
  ],
  run: runMigrate,
};

async function runMigrate(session: Session, given: Given): Promise<number> {
  const [word] = given.args;
  if (word === undefined) return showMigrationState(session);
  const step = steps.find((name) => name === word);
  if (step === undefined)
    throw new CommandProblem(`migrate ${word} is not understood; the steps are ${steps.join(', ')}`);
  const plans: Plan[] = [];
  for (const object of await objectsOf(session, given, step)) {
    const plan = await planOf(session, given, { step, ...object });
    print(planLines(plan), session);
    plans.push(plan);
  }
  if (isForPrograms(session)) session.out.object({ plans: plans.map(planObject) });
  return plans.some(isBlocked) ? exitCodes.problem : exitCodes.ok;
}

async function showMigrationState(session: Session): Promise<number> {
  const state = migrationStateOf(await readMigrationFacts(session));
  if (isForPrograms(session)) session.out.object(state);
  else print(migrationStateLines(state), session);
  return state.unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

function print(lines: readonly string[], session: Session): void {
  if (!isForPrograms(session)) for (const line of lines) session.out.line(line);
}

const kindOf = {
  'to-federated': 'AzureIdentity',
  'to-attached': 'AzureIdentity',
  'to-workload-identity': 'ServiceAccount',
} as const;

async function objectsOf(
  session: Session,
  { args, options }: Given,
  step: StepName,
): Promise<readonly ObjectName[]> {
  const [, object] = args;
  if (step === 'to-ours') return [{ namespace: '', name: '' }];
  if (options['all'] !== true) return [parseObjectName(object ?? '', kindOf[step], session)];
  const { namespace } = session;
  if (step !== 'to-federated' || object !== undefined || namespace === undefined)
    throw new CommandProblem('--all is for to-federated and one namespace (-n), without a name');
  return (await mustList(session, resources.AzureIdentity, namespace))
    .filter((item) => (fieldAt(item, 'spec.type') ?? 0) === 0)
    .map(nameOf);
}
