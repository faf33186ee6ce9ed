// `kubectl azure-pod-identity migrate`: shows the plan of one change, and with `--apply` carries it out.
import { resources } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { listAllowed } from '../cluster/lists.ts';
import { tryExchange } from './act.ts';
import { applyPlan } from './apply-plan.ts';
import { federatedTargetOf, lookAtIdentity, lookAtServices } from './look.ts';
import { lookAtStanding } from './look-around.ts';
import { idsIn, nameIn, planOf, specOf, steps, type ObjectName, type StepName } from './make-plan.ts';
import { isBlocked, planLines, planObject, plugIn, type Exchange, type Plan } from './plan.ts';
import { standingLines, standingOf } from './standing.ts';
import { idsOf } from './to-federated.ts';
import { fieldAt, textAt } from './writes.ts';

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
    { flags: '--check', what: 'to-federated: only one exchange by the broker, which changes nothing' },
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
  deadlineMs: 120_000,
  isEndless: ({ options }) => options['apply'] === true,
  run: runMigrate,
};

async function runMigrate(session: Session, given: Given): Promise<number> {
  const [word] = given.args;
  if (word === undefined) return showStanding(session);
  const step = steps.find((name) => name === word);
  if (step === undefined)
    throw new CommandProblem(`migrate ${word} is not understood; the steps are ${steps.join(', ')}`);
  if (step === 'to-ours' && given.options['apply'] === true)
    throw new CommandProblem('the installation is that of kubectl or helm: run the commands of the plan');
  if (given.options['check'] === true) return check(session, given);
  const results: object[] = [];
  let code: number = exitCodes.ok;
  for (const object of await objectsOf(session, given, step)) {
    const plan = await planOf(session, given, { step, ...object });
    const result = await carryOutOrShow(plan, session, given);
    results.push(result.shown);
    code = firstFault(code, result.code);
    if (code !== exitCodes.ok && given.options['apply'] === true) break;
  }
  if (isForPrograms(session)) session.out.object({ plans: results });
  return code;
}

/** Of several plans. */
const firstFault = (before: number, code: number) => (before === exitCodes.ok ? code : before);

async function showStanding(session: Session): Promise<number> {
  const standing = standingOf(await lookAtStanding(session));
  if (isForPrograms(session)) session.out.object(standing);
  else for (const line of standingLines(standing)) session.out.line(line);
  return standing.unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

const isForPrograms = ({ format }: Session) => format === 'json' || format === 'yaml';

async function carryOutOrShow(plan: Plan, session: Session, given: Given) {
  if (given.options['apply'] === true) return carryOut(plan, session, given);
  if (!isForPrograms(session)) for (const line of planLines(plan)) session.out.line(line);
  return { code: isBlocked(plan) ? exitCodes.problem : exitCodes.ok, shown: planObject(plan) };
}

async function carryOut(plan: Plan, session: Session, given: Given) {
  if (isBlocked(plan) && !isForPrograms(session)) for (const line of planLines(plan)) session.out.line(line);
  const again = plugIn(
    `migrate ${plan.name}${plan.subject === '' ? '' : ` ${shellWord(plan.subject)}`} --apply`,
  );
  const { code, ...outcome } = await applyPlan(plan, {
    session,
    again,
    isAzRun: given.options['runAz'] === true,
  });
  if (code === exitCodes.ok && !isForPrograms(session)) session.out.line(`the way back: ${plan.back}`);
  return { code, shown: { ...planObject(plan), ...outcome } };
}

async function objectsOf(
  session: Session,
  { args, options }: Given,
  step: StepName,
): Promise<readonly ObjectName[]> {
  const [, object] = args;
  if (step === 'to-ours') return [{ namespace: '', name: '' }];
  if (options['all'] !== true) return [nameIn(object, session)];
  const { kube, signal, namespace } = session;
  if (step !== 'to-federated' || object !== undefined || namespace === undefined)
    throw new CommandProblem('--all is for to-federated and one namespace (-n), without a name');
  const kind = resources.AzureIdentity;
  const list = await listAllowed({ kube, signal, kind, namespace, trim: (item) => item });
  if (list.kind !== 'read') throw new CommandProblem(list.text);
  return list.items
    .filter((item) => (fieldAt(item, 'spec.type') ?? 0) === 0)
    .map((item) => ({ namespace, name: textAt(item, 'metadata.name') }));
}

/** `--check`: the exit code is that of `nmi check-federated`. */
async function check(session: Session, given: Given): Promise<number> {
  const [, object] = given.args;
  const { namespace, name } = nameIn(object, session);
  const identity = await lookAtIdentity(session, namespace, name);
  const { tenant, clientId } = idsOf(specOf(identity), idsIn(given));
  const { broker } = await lookAtServices(session);
  if (broker === undefined)
    throw new CommandProblem('no broker was found: docs/administrator/federated.md has the steps');
  if (federatedTargetOf(tenant, clientId) === undefined)
    throw new CommandProblem(
      'the AzureIdentity does not state tenant and client id: give --tenant and --client-id',
    );
  const exchange: Exchange = { ...broker, identity: `${tenant}/${clientId}` };
  const { code = exitCodes.unknown, output } = await tryExchange(exchange, { session });
  for (const line of output.split('\n')) session.out.line(line);
  return code;
}
