// `doctor`: `checks.ts` lists the checks in order; `check-*.ts` decide each.
import { ok, problem } from '@pod-identity/policy';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { findingText } from '../print/findings.ts';
import { isForPrograms } from '../print/output.ts';
import { checks } from './checks.ts';
import { readAzure } from './read-azure.ts';
import { readFacts } from './read-facts.ts';
import { found, type Check, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

export const doctor: PlugInCommand = {
  name: 'doctor',
  summary:
    'what is misconfigured: definitions, rights, services, clocks, nodes, identities and pods, each with its remedy',
  options: [
    {
      flags: '--check <ids>',
      what: `only these, separated by commas: ${checks.map(({ id }) => id).join(', ')}`,
    },
    {
      flags: '--azure',
      what: 'also ask Azure, by az with its login: identities, federated credentials, and the roles of MIC',
    },
  ],
  examples: ['doctor', 'doctor --azure', 'doctor --check agents,taints', 'doctor -o json'],
  async run(session, { options }) {
    const wanted = typeof options['check'] === 'string' ? idsIn(options['check']) : undefined;
    const everywhere = ofAllNamespaces(session);
    const read = await readFacts(everywhere, wanted);
    const withAzure = options['azure'] === true || wanted?.has('azure') === true;
    const facts = withAzure ? { ...read, azure: await readAzure(read, everywhere) } : read;
    const report = examine(facts, wanted);
    if (isForPrograms(session)) session.out.object(report);
    else print(report, session);
    return exitCodeOf(report);
  },
};

const ofAllNamespaces = (session: Session) => ({ ...session, namespace: undefined, isAllNamespaces: true });

/** Without Azure. */
export const readReport = async (session: Session): Promise<Report> =>
  examine(await readFacts(ofAllNamespaces(session)));

/** A check that is not carried out must not look like one that found nothing. */
function idsIn(text: string): ReadonlySet<string> {
  const ids = text.split(',').map((id) => id.trim());
  const unknown = ids.find((id) => !checks.some((check) => check.id === id));
  if (unknown === undefined) return new Set(ids);
  throw new CommandProblem(
    `there is no check '${unknown}'; the checks are ${checks.map(({ id }) => id).join(', ')}`,
  );
}

interface Examined extends CheckResult {
  readonly id: string;
  readonly holds: string;
}

export interface Report {
  readonly checks: readonly Examined[];
}

export function examine(facts: DoctorFacts, wanted?: ReadonlySet<string>): Report {
  const wantedChecks = checks.filter(
    ({ id, isOfAzure }) => (wanted?.has(id) ?? true) && (isOfAzure !== true || facts.azure !== undefined),
  );
  return { checks: wantedChecks.map((check) => examined(check, facts)) };
}

/** If services were not found or not fully read, the result of a check about services is 'not known'. */
function examined({ id, holds, run, isAboutServices }: Check, facts: DoctorFacts): Examined {
  const { findings, unknown } = run(facts);
  const { nmi, mic, unknown: unread } = facts.services;
  const none = nmi.length + mic.length === 0 && unread.length === 0 ? ['neither NMI nor MIC was found'] : [];
  return {
    id,
    holds,
    findings: fewOfEach(findings),
    unknown: [...new Set(isAboutServices === true ? [...unread, ...none, ...unknown] : unknown)],
  };
}

/** Of one namespace. Its editors can cause any number. */
const mostOfNamespace = 10;

/** So that what is wrong elsewhere is seen, further ones of a namespace are counted only. */
function fewOfEach(findings: readonly ObjectFinding[]): readonly ObjectFinding[] {
  const namespaces = Map.groupBy(findings, ({ object }) => object.split('/').slice(1, -1).join('/'));
  return [...namespaces].flatMap(([namespace, all]) => {
    const more = all.length - mostOfNamespace;
    if (namespace === '' || more <= 0) return all;
    const rest = `and ${more} more in namespace ${namespace}: mend these first`;
    return [...all.slice(0, mostOfNamespace), found(`Namespace/${namespace}`, problem('namespace', rest))];
  });
}

/** 2 only if something could not be seen and nothing is known to be wrong. */
export function exitCodeOf({ checks: examined }: Report): number {
  const isProblem = examined.some(({ findings }) =>
    findings.some(({ finding }) => finding.verdict === 'problem'),
  );
  if (isProblem) return exitCodes.problem;
  return examined.some(({ unknown }) => unknown.length > 0) ? exitCodes.unknown : exitCodes.ok;
}

function print({ checks: examined }: Report, { out, err, terminal }: Session): void {
  for (const { id, holds, findings, unknown } of examined) {
    const lines = findings.map(({ finding }) => finding);
    const all = lines.length === 0 && unknown.length === 0 ? [ok('result', holds)] : lines;
    if (all.length > 0) for (const line of findingText(id, all, terminal)) out.line(line);
    for (const why of unknown) err(`${id}: not known: ${why}`);
  }
}
