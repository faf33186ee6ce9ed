// One line of the table of uses, of values that were read.
import type { AccessMode } from '@pod-identity/crd-types';
import { verdictOfAll } from '@pod-identity/policy';
import { namespaceOf, type Using } from '../../../mic/src/commands/plug-in.ts';
import { verdictObject, type Right, type Verdict, type VerdictObject } from './verdicts.ts';

/** A use with what the cluster says of it. */
export interface IdentityUse {
  readonly using: Using;
  /** Empty if the pod is not scheduled, or its machine counts. */
  readonly nodeName: string;
  /** The mode that counts for this identity; the strictest if that is not known. */
  readonly mode: AccessMode;
  readonly isModeKnown: boolean;
  /** Of its AzureAssignedIdentity; undefined: there is none, or it is not needed or not read. */
  readonly state: string | undefined;
}

/** Fields of the JSON: they stay as they are. */
export interface UseEntry {
  readonly namespace: string;
  readonly pod: string;
  /** null: not scheduled, or not known. */
  readonly node: string | null;
  /** `namespace/name`. */
  readonly serviceAccount: string;
  /** The object that gives the pod the identity: `AzureIdentity shop/reader`, `AzurePodIdentityException shop/agent`. */
  readonly by: string;
  readonly type: 'managed' | 'client-secret' | 'certificate' | 'federated' | 'machine';
  readonly azure: readonly AzureOfEntry[];
  /** The access mode that counts; null: not known. */
  readonly mode: AccessMode | null;
  /** `not-needed`: in mode `namespace`. */
  readonly right: Right | 'not-needed';
  /** Whether NMI serves it as far as rights are concerned; null: not known. */
  readonly mayUse: boolean | null;
  /** Of the AzureAssignedIdentity; null: there is none, or it is not known. */
  readonly state: string | null;
  /** Why no right can be given for it. */
  readonly problem?: string;
}

/** `right`, `on` and `why` are absent in mode `namespace`. */
type AzureOfEntry = Pick<VerdictObject, 'resource' | 'name'> &
  Partial<Pick<VerdictObject, 'right' | 'on' | 'why'>>;

const types = ['managed', 'client-secret', 'certificate', 'federated'] as const;

/** `verdicts`: none in mode `namespace`. */
export function entryOf(
  { using, nodeName, mode, isModeKnown, state }: IdentityUse,
  verdicts: readonly Verdict[],
): UseEntry {
  const { pod, subject, by, identity, targets, problem } = using;
  const namespace = namespaceOf(pod);
  const right = rightOf({ mode, problem, verdicts });
  return {
    namespace,
    pod: pod.slice(namespace.length + 1),
    node: nodeName === '' ? null : nodeName,
    serviceAccount: `${subject.namespace}/${subject.name}`,
    by,
    type: identity ? types[identity.spec.type] : 'machine',
    azure:
      mode === 'namespace'
        ? targets.map(({ resource, names: [name] }) => ({ resource, name }))
        : verdicts.map((verdict) => withoutRoles(verdictObject(verdict))),
    mode: isModeKnown ? mode : null,
    right,
    mayUse: mayUseBy({ mode, isModeKnown, right }),
    state: state ?? null,
    ...(problem !== undefined && { problem }),
  };
}

function withoutRoles({ resource, name, right, on, why }: VerdictObject): AzureOfEntry {
  return { resource, name, right, ...(on !== undefined && { on }), ...(why !== undefined && { why }) };
}

/** Whoever has the right may use it in every mode. */
function mayUseBy(of: Pick<IdentityUse, 'mode' | 'isModeKnown'> & Pick<UseEntry, 'right'>): boolean | null {
  if (!of.isModeKnown) return of.right === 'allowed' ? true : null;
  return of.mode === 'rbac' ? mayUse[of.right] : true;
}

const mayUse = { allowed: true, 'not-needed': true, refused: false, unknown: null } as const;

function rightOf(of: {
  readonly mode: AccessMode;
  readonly problem: string | undefined;
  readonly verdicts: readonly Verdict[];
}): UseEntry['right'] {
  if (of.mode === 'namespace') return 'not-needed';
  if (of.problem !== undefined) return 'refused';
  const right = verdictOfAll(
    of.verdicts.map(({ review: { kind } }) => (kind === 'refused' ? 'denied' : kind)),
  );
  if (right === 'denied') return 'refused';
  return right === 'allowed' ? 'allowed' : 'unknown';
}
