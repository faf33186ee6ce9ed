// `kubectl azure-pod-identity migrate`: shows the plan of one change, and with `--apply` carries it out.
import { resources } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { fieldAt, nameOf, type ObjectName } from '../cluster/fields.ts';
import { isForPrograms } from '../print/output.ts';
import { applyPlan } from './apply-plan.ts';
import { mustList } from './read-identity.ts';
import { readMigrationFacts } from './read-cluster.ts';
import { planOf, steps, type StepName } from './make-plan.ts';
import { isBlocked, planLines, planObject, plugIn, type Plan } from './plan.ts';
import { migrationStateLines, migrationStateOf } from './migration-state.ts';

export const migrateCommand: PlugInCommand = {
  name: 'migrate',
  summary: 'shows where the cluster stands and the plan of the next change; --apply carries it out',
  args: [
    { name: 'step', what: steps.join(', '), optional: true },
    {
      name: 'object',
      what: 'NAMESPACE/NAME of the AzureIdentity, or of the ServiceAccount for to-workload-identity',
      optional: true,
    },
  ],
  options: [
    { flags: '--apply', what: 'write to the cluster, step by step; without it nothing is written' },
    { flags: '--run-az', what: 'with --apply: create a missing federated credential by az' },
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
      what: 'to-workload-identity: the federated credential of the ServiceAccount is there',
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
    'migrate to-federated pay/vault --apply',
    'migrate to-attached pay/vault --apply',
    'migrate to-workload-identity pay/web',
  ],
  isEndless: ({ options }) => options['apply'] === true,
  run: runMigrate,
};

async function runMigrate(session: Session, given: Given): Promise<number> {
  const { args, options } = given;
  const [word] = args;
  if (word === undefined) return showMigrationState(session);
  const isApplied = options['apply'] === true;
  const step = stepIn(word, isApplied);
  const results: Result[] = [];
  for (const object of await objectsOf(session, given, step)) {
    const plan = await planOf(session, given, { step, ...object });
    const result = isApplied ? await carryOut(plan, session, options['runAz'] === true) : show(plan, session);
    results.push(result);
    if (isApplied && result.code !== exitCodes.ok) break;
  }
  if (isForPrograms(session)) session.out.object({ plans: results.map(({ plan }) => plan) });
  return results.find(({ code }) => code !== exitCodes.ok)?.code ?? exitCodes.ok;
}

function stepIn(word: string, isApplied: boolean): StepName {
  const step = steps.find((name) => name === word);
  if (step === undefined)
    throw new CommandProblem(`migrate ${word} is not understood; the steps are ${steps.join(', ')}`);
  if (step === 'to-ours' && isApplied)
    throw new CommandProblem('the installation is that of kubectl or helm: run the commands of the plan');
  return step;
}

async function showMigrationState(session: Session): Promise<number> {
  const state = migrationStateOf(await readMigrationFacts(session));
  if (isForPrograms(session)) session.out.object(state);
  else print(migrationStateLines(state), session);
  return state.unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

interface Result {
  readonly code: number;
  /** For programs. */
  readonly plan: object;
}

function show(plan: Plan, session: Session): Result {
  print(planLines(plan), session);
  return { code: isBlocked(plan) ? exitCodes.problem : exitCodes.ok, plan: planObject(plan) };
}

async function carryOut(plan: Plan, session: Session, isAzRun: boolean): Promise<Result> {
  if (isBlocked(plan)) print(planLines(plan), session);
  const of = plan.subject === '' ? '' : ` ${shellWord(plan.subject)}`;
  const again = plugIn(`migrate ${plan.name}${of} --apply`);
  const { code, ...outcome } = await applyPlan(plan, { session, again, isAzRun });
  if (code === exitCodes.ok) print([`the way back: ${plan.back}`], session);
  return { code, plan: { ...planObject(plan), ...outcome } };
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
