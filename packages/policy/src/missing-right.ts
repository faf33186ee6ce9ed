// The words for a ServiceAccount that may not use an Azure identity, and for who decides that.
import { rolesFor, type AccessMode, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import { inPlugIn, info, ok, problem, waiting, type Finding, type Remedy } from './finding.ts';
import { shellWord } from './shell-word.ts';

const permissionsPage = 'docs/administrator/permissions.md';

/** Who decides which pod may use which identity, by mode. */
export const whoDecides: Readonly<Record<AccessMode, string>> = {
  namespace:
    'whoever may write an AzureIdentity may use the identity that it names, unless it is of type 3 (--identity-access=namespace)',
  warn: 'missing rights are only reported, except those on identities of type 3 (--identity-access=warn)',
  rbac: 'rights on Azure identities decide (--identity-access=rbac)',
};

/** A use of an AzureIdentity by a ServiceAccount. */
export interface Use {
  /** `namespace/name`; '': all identities of the machine. */
  readonly identity: string;
  readonly subject: AccessSubject;
}

export interface MissingRight extends Use {
  /** Empty: which machine it is, is not known here. */
  readonly targets: readonly AccessTarget[];
  /** Why the right cannot be granted. */
  readonly problem?: string | undefined;
}

/** The missing right, and the command that prints the roles that grant it, in one line: Events are truncated, and JSON cannot be pasted. */
export function nameMissingRight(missing: MissingRight): string {
  const { identity, subject, targets, problem: fault } = missing;
  if (fault !== undefined) return `${factOf(missing)}: ${fault}`;
  const names =
    targets.map(({ resource, names: [name] }) => `${resource} ${name}`).join(' and ') || 'the machine';
  if (subject.name === '')
    return `The pod has no ServiceAccount, so it cannot have the right that ${thingOf(identity)} needs: use of ${names}.`;
  const needed = `${factOf(missing)}: it needs the right to use ${names}. A cluster administrator can grant it with`;
  return targets.length > 0
    ? `${needed} the roles that this prints: ${checksOf(missing)}`
    : `${needed} a ClusterRole and a ClusterRoleBinding: see ${permissionsPage}`;
}

/** The same, with the roles from the second line on, for `kubectl apply`. */
export function nameMissingRightAndRoles(missing: MissingRight): string {
  const { subject, targets, problem: fault } = missing;
  const line = nameMissingRight(missing);
  return fault === undefined ? `${line}\n${rolesFor({ subjects: [subject], targets }).yaml}` : line;
}

/** For `explain`: a right that is missing, with the roles. In mode `warn` it is only reported. */
export function missingRightFinding(missing: MissingRight, mode: Exclude<AccessMode, 'namespace'>): Finding {
  const fact = factOf(missing);
  const remedy = remedyOf(missing);
  return mode === 'warn'
    ? info('access', `${fact}: --identity-access=rbac would refuse it`, remedy)
    : problem('access', fact, remedy);
}

export function rightFinding(use: Use): Finding {
  return ok('access', `${accountOf(use)} may use ${thingOf(use.identity)}`);
}

/** For `explain`: the API server has not said. `what`: what follows from it. */
export function unknownRightFinding(use: Use, what: string, remedy?: Remedy): Finding {
  const text = `whether ${accountOf(use)} may use ${thingOf(use.identity)} is not known yet: ${what}`;
  return waiting('access', text, remedy);
}

/** Which machine it is cannot be told from here. */
export function machineRightFinding({ subject }: Omit<Use, 'identity'>): Finding {
  const { namespace, name } = subject;
  const remedy = {
    text: 'look, with the ARM id of the virtual machine or of the scale set of its node',
    command: inPlugIn(`access ${namespace}/${name} ID`),
  };
  const text = `${accountOf({ subject })} must be allowed to use the machine, else no exception counts`;
  return info('access', text, remedy);
}

/** The command that checks whether this ServiceAccount may use this target, and by which right. */
export function accessCheck({ namespace, name }: AccessSubject, target: AccessTarget): string {
  const { resource, names } = target;
  const id = resource === 'federatedidentities' ? `${resource}/${names[0]}` : names[0];
  return inPlugIn(`access ${namespace}/${name} ${shellWord(id)}`);
}

/** What `use` is of, in a sentence. */
export function thingOf(identity: string): string {
  return identity === '' ? 'the identities of this machine' : `AzureIdentity ${identity}`;
}

function factOf(missing: MissingRight): string {
  const thing = thingOf(missing.identity);
  return missing.problem === undefined
    ? `${accountOf(missing)} may not use ${thing}`
    : `nobody can be given the right to use ${thing}`;
}

function remedyOf(missing: MissingRight): Remedy {
  const { subject, targets, problem: fault } = missing;
  if (fault !== undefined) return { text: `correct it: ${fault}` };
  return {
    text: 'as a cluster administrator, kubectl apply -f - with what follows, then check',
    paste: rolesFor({ subjects: [subject], targets }).yaml,
    command: checksOf(missing),
  };
}

function checksOf({ subject, targets }: MissingRight): string {
  return targets.map((target) => accessCheck(subject, target)).join(' && ');
}

function accountOf({ subject: { namespace, name } }: Pick<Use, 'subject'>): string {
  return `ServiceAccount ${namespace}/${name}`;
}
