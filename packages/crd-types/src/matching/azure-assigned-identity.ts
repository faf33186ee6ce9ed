import { readAzureIdentity, isNamespaced, type AzureIdentity } from '../objects/azure-identity.ts';
import { readAzureIdentityBinding, type AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAs } from '../parsing/custom-object.ts';
import { apiVersion, defaultAssignedNamespace } from '../parsing/group.ts';
import type { MatchingRules } from './reach.ts';
import type { ObjectMeta } from '../parsing/meta.ts';
import { readMetadata } from '../parsing/object-meta.ts';
import { quote } from '../parsing/quote.ts';
import { defined, integerAt, lenient, sectionAt, textAt, warn, type Section } from '../parsing/section.ts';
import type { Parsed } from '../parsing/problem.ts';
import { sha256Hex } from '../ids/sha256.ts';

/**
 * The state of an assignment. `Created`: recorded, and Azure has not been asked or has not finished. `Assigned`: the host carries the
 * identity, or need not (service principals). `Unassigned`: removed from the host, and the object will be deleted. Empty: written by the
 * original before 1.5, usable.
 */
export type AssignedState = 'Created' | 'Assigned' | 'Unassigned' | '';

/** MIC's record that one pod may use one identity. */
export interface AzureAssignedIdentity {
  /** Group and version. The parser sets it even if the object lacks it, as items of some lists do. */
  readonly apiVersion: typeof apiVersion;
  /** The parser sets it even if the object lacks it. */
  readonly kind: 'AzureAssignedIdentity';
  /** From MIC: the label `nodename` has the node of the pod, an annotation the UID of the pod. */
  readonly metadata: ObjectMeta;
  /** Which pod may use which identity. */
  readonly spec: {
    /** A copy of the AzureIdentity at the time of assignment; of its metadata, MIC writes the parts that readers need. */
    readonly azureIdentityRef: AzureIdentity;
    /** A copy of the binding that selected the pod, likewise. */
    readonly azureBindingRef: AzureIdentityBinding;
    /** Name of the pod; empty if a broken record lacks it. */
    readonly pod: string;
    /** Namespace of the pod, which need not be that of the object; empty if a broken record lacks it. */
    readonly podNamespace: string;
    /** Name of the pod's node; empty if a broken record lacks it. The key is in lower case, unlike `nodeName` of a pod. */
    readonly nodename: string;
  };
  /** From MIC, stored together with the rest: the kind has no status subresource. */
  readonly status: {
    /** Empty if the record has none; `Created` for a state that is unknown. */
    readonly status: AssignedState;
    /** MIC writes 1, as the original does; nothing reads it. */
    readonly availableReplicas?: number;
  };
}

/**
 * Parses an AzureAssignedIdentity from untrusted JSON, also with keys of 2018 (the original wrote lower-case keys and `Status`).
 * Tolerant, so that broken records can be shown and removed: missing copies are read as empty objects, and problems in a copy are
 * warnings.
 */
export function parseAzureAssignedIdentity(object: unknown): Parsed<AzureAssignedIdentity> {
  return parseAs('AzureAssignedIdentity', object, (section) => {
    const spec = sectionAt(section, 'spec');
    return {
      apiVersion,
      kind: 'AzureAssignedIdentity',
      metadata: readMetadata(section),
      spec: {
        azureIdentityRef: readAzureIdentity(sectionAt(lenient(spec), 'azureIdentityRef')),
        azureBindingRef: readAzureIdentityBinding(sectionAt(lenient(spec), 'azureBindingRef')),
        pod: textAt(spec, 'pod') ?? '',
        podNamespace: textAt(spec, 'podNamespace') ?? '',
        nodename: textAt(spec, 'nodename') ?? '',
      },
      status: readStatus(sectionAt(lenient(section), 'status')),
    };
  });
}

function readStatus(status: Section): AzureAssignedIdentity['status'] {
  return defined({ status: readState(status), availableReplicas: integerAt(status, 'availableReplicas') });
}

/** Unknown states must not count as usable. */
function readState(status: Section): AssignedState {
  const state = textAt(status, 'status') ?? '';
  if (state === '' || state === 'Created' || state === 'Assigned' || state === 'Unassigned') return state;
  warn(status, 'status', `is ${quote(state)}, which is no state of an assignment: taken for Created`);
  return 'Created';
}

/** The parts of an assignment's name. Namespaces can have pods and identities of the same name. */
export interface AssignedIdentityParts {
  /** `metadata.namespace` of the pod. */
  readonly podNamespace: string;
  /** `metadata.name` of the pod. */
  readonly podName: string;
  /** `metadata.name` of the AzureIdentity, without its namespace. */
  readonly identityName: string;
}

/**
 * The name that the original gives the object: `<pod>-<pod namespace>-<identity>`. Two assignments can get the same name (pod `a-b` in
 * `c`, pod `a` in `b-c`), and it can be too long for the API server; use `distinctAssignedIdentityName` then.
 *
 * @throws TypeError - a part is missing, or no string
 */
export function assignedIdentityName(of: AssignedIdentityParts): string {
  const [pod, namespace, identity] = textsOf(of, ['podName', 'podNamespace', 'identityName']);
  return `${pod}-${namespace}-${identity}`;
}

/** Callers in JavaScript can misspell one: the name would be that of another object. */
function textsOf<K extends string>(of: Readonly<Record<K, unknown>>, names: readonly K[]): string[] {
  return names.map((name) => {
    const text = of[name];
    if (typeof text !== 'string') throw new TypeError(`${name} must be a string`);
    return text;
  });
}

const maxNameLength = 253;

/**
 * A unique name of at most 253 characters: as much of the original's name as fits, and a hash over everything that distinguishes the
 * assignment. Deterministic.
 *
 * @throws TypeError - a part is missing, or no string
 */
export function distinctAssignedIdentityName(
  of: AssignedIdentityParts & {
    /** `metadata.namespace` of the AzureIdentity. */
    readonly identityNamespace: string;
    /** `metadata.uid` of the pod. */
    readonly podUid: string;
  },
): string {
  const names = ['podNamespace', 'podName', 'identityNamespace', 'identityName', 'podUid'] as const;
  const parts = textsOf(of, names);
  const hash = sha256Hex(JSON.stringify(parts)).slice(0, 16);
  // The cut can end in a dot or hyphen, and names must not contain `.-`.
  const head = assignedIdentityName(of)
    .slice(0, maxNameLength - 1 - hash.length)
    .replace(/[.-]+$/, '');
  return `${head}-${hash}`;
}

/**
 * The namespace of the object: that of the identity if it is namespaced (by its annotation, or because everything is), otherwise
 * `default`, whatever the namespaces of pod and identity are.
 */
export function assignedIdentityNamespace(identity: AzureIdentity, rules: MatchingRules): string {
  const own = rules.forceNamespaced || isNamespaced(identity);
  return (own ? identity.metadata.namespace : undefined) ?? defaultAssignedNamespace;
}
