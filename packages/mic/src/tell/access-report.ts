// Text of the report of access: the roles that keep all current uses working, for `kubectl apply -f -`.
import { accessTargetKey, rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { inBroker } from '@pod-identity/policy';
import type { Use, Uses } from './access-uses.ts';

export interface ReportParts extends Uses {
  /** Holders of wildcard rights; undefined if the roles could not be listed. */
  readonly holders: readonly string[] | undefined;
  /** Uses of identities of type 0 as if they were of type 3. */
  readonly asFederated: Uses;
  /** Objects for whose uses the right decides already. */
  readonly enforced: readonly string[];
  /** Keys of pods without a ServiceAccount that labels or exceptions are meant for. */
  readonly withoutAccount: readonly string[];
  /** Exceptions that could not be read, with the reason. */
  readonly unknown: readonly string[];
}

/** Which identities pods use without a right, editors of namespaces decide: applied unread, the report would give them rights on any identity. */
export const judgeEach =
  'Judge each section before you apply it, and leave out what its namespaces are not to have: which Azure identity an AzureIdentity names, whoever may write it has chosen, and nobody has confirmed';

/** Lines of comments and YAML, independent of the order of reads. */
export function accessReport(parts: ReportParts): readonly string[] {
  const groups = Map.groupBy(parts.uses, ({ target }) => accessTargetKey(target));
  return [
    ...heading(parts, groups.size),
    ...[...groups.values()].flatMap((uses) => section(uses)),
    ...preview(parts.asFederated),
    ...comment('No right can be given for these; mode rbac refuses them', parts.uncovered),
    ...comment(
      'For these the right decides already, so their pods have it or do not use them: not in this report; kubectl azure-pod-identity access prints the roles',
      parts.enforced,
    ),
    ...comment(
      'These have no ServiceAccount, as static pods: they get no identity, and are not in this report',
      [...new Set(parts.withoutAccount)].sort(),
    ),
    ...comment('These could not be looked at: their pods are not in this report', parts.unknown),
    ...comment('These may use every Azure identity already, by a role with wildcards', parts.holders ?? []),
    ...(parts.holders === undefined
      ? ['', '# Roles could not be listed: holders by wildcards are unknown.']
      : []),
  ];
}

function heading({ uses }: ReportParts, targets: number): string[] {
  const accounts = new Set(uses.map(({ subject }) => `${subject.namespace}/${subject.name}`)).size;
  return [
    '# Rights on Azure identities that pods use now, for kubectl apply -f -',
    `# ServiceAccounts: ${accounts}; Azure identities and machines: ${targets}. Pods that run at times only are not in it.`,
    `# ${judgeEach}.`,
  ];
}

function section(uses: readonly Use[], noteOn?: (name: string) => string): string[] {
  const [first] = uses;
  if (first === undefined) return [];
  const { target } = first;
  const by = [...new Set(uses.flatMap((use) => use.by))].sort();
  const { yaml } = rolesFor({ subjects: uses.map(({ subject }) => subject), targets: [target] });
  const notes = noteOn ? [`# ${noteOn(target.names[0])}`] : [];
  return ['---', `# ${titleOf(target)}, by ${by.join(', ')}`, ...notes, ...yaml.trimEnd().split('\n')];
}

/** Commented out: nothing has compared the client id in these objects with Azure's yet, and whoever may write them chose it. */
function preview({ uses, uncovered }: Uses): string[] {
  const groups = [...Map.groupBy(uses, ({ target }) => accessTargetKey(target)).values()];
  if (groups.length + uncovered.length === 0) return [];
  return [
    '',
    '# To make these type 3 (federated), apply what follows without the first two characters of each line, after a look',
    '# whether the managed identity has this client id (az identity show --ids ID):',
    ...groups.flatMap((group) => section(group, checkBefore)).map((line) => `# ${line}`),
    ...comment('These cannot become type 3 as they are', uncovered),
  ];
}

function checkBefore(name: string): string {
  return `Before that, whether it gets tokens as type 3: ${inBroker(`check-federated ${name}`)}`;
}

function titleOf({ resource, names: [name] }: AccessTarget): string {
  const titles = {
    managedidentities: 'Managed identity',
    applications: 'Application',
    federatedidentities: 'Federated identity',
    machines: 'All identities of the machine',
  } as const;
  return `${titles[resource]} ${name}`;
}

function comment(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `# ${title}:`, ...lines.map((line) => `# - ${oneLine(line)}`)];
}

/** Text of users must not end the comment. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
