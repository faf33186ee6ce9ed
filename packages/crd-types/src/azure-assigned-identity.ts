import { createHash } from 'node:crypto';
import { readAzureIdentity, isNamespaced, type AzureIdentity } from './azure-identity.ts';
import { readAzureIdentityBinding, type AzureIdentityBinding } from './azure-identity-binding.ts';
import { parseObject } from './custom-object.ts';
import { apiVersion, defaultAssignedNamespace } from './group.ts';
import type { MatchingRules } from './match.ts';
import type { ObjectMeta } from './meta.ts';
import { readMetadata } from './object-meta.ts';
import type { Parsed } from './problem.ts';
import { defined, type Section } from './section.ts';

/**
 * How far an assignment has come. `Created`: written down, Azure not yet asked or not yet done. `Assigned`: the host carries
 * the identity, or need not (service principals). `Unassigned`: removed from the host, the object will be deleted. Empty:
 * written by an original older than 1.5, usable.
 */
export type AssignedState = 'Created' | 'Assigned' | 'Unassigned' | '';

/** MIC's record that one pod may act as one identity. */
export interface AzureAssignedIdentity {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'AzureAssignedIdentity';
  readonly metadata: ObjectMeta;
  readonly spec: {
    /** Copies of the objects as they were at assignment. */
    readonly azureIdentityRef: AzureIdentity;
    readonly azureBindingRef: AzureIdentityBinding;
    readonly pod: string;
    readonly podNamespace: string;
    readonly nodename: string;
  };
  readonly status: { readonly status: AssignedState; readonly availableReplicas?: number };
}

/**
 * Reads an AzureAssignedIdentity from untrusted JSON, whatever the capitalisation of its keys (the original wrote all
 * lower-case keys and `Status` in 2018). Tolerant on purpose, so that broken records can still be seen and removed: missing
 * copies read as empty objects, and what is wrong inside a copy is a warning.
 *
 * @example
 * ```ts
 * const parsed = parseAzureAssignedIdentity(object);
 * if (parsed.ok && parsed.value.status.status === 'Assigned') console.log(parsed.value.spec.pod);
 * ```
 */
export function parseAzureAssignedIdentity(object: unknown): Parsed<AzureAssignedIdentity> {
  return parseObject('AzureAssignedIdentity', object, (section) => {
    const spec = section.section('spec');
    return {
      apiVersion,
      kind: 'AzureAssignedIdentity',
      metadata: readMetadata(section),
      spec: {
        azureIdentityRef: readAzureIdentity(spec.leniently('azureIdentityRef')),
        azureBindingRef: readAzureIdentityBinding(spec.leniently('azureBindingRef')),
        pod: spec.string('pod') ?? '',
        podNamespace: spec.string('podNamespace') ?? '',
        nodename: spec.string('nodename') ?? '',
      },
      status: readStatus(section.leniently('status')),
    };
  });
}

function readStatus(status: Section): AzureAssignedIdentity['status'] {
  return defined({ status: readState(status), availableReplicas: status.integer('availableReplicas') });
}

/** An unknown state must not count as usable. */
function readState(status: Section): AssignedState {
  const state = status.string('status') ?? '';
  if (state === '' || state === 'Created' || state === 'Assigned' || state === 'Unassigned') return state;
  status.warn('status', `is ${state}, which is no state of an assignment: taken for Created`);
  return 'Created';
}

/** Whose assignment it is. Pod and identity names may be the same in several namespaces. */
export interface AssignedIdentityParts {
  readonly podNamespace: string;
  readonly podName: string;
  readonly identityName: string;
}

/**
 * The name that the original gives the object: `<pod>-<pod namespace>-<identity>`. It can be the same for two assignments
 * (pod `a-b` in `c`, pod `a` in `b-c`) and too long for the API server; then take `distinctAssignedIdentityName`.
 *
 * @example
 * ```ts
 * assignedIdentityName({ podNamespace: 'shop', podName: 'web-0', identityName: 'reader' }); // web-0-shop-reader
 * ```
 */
export function assignedIdentityName(of: AssignedIdentityParts): string {
  return `${of.podName}-${of.podNamespace}-${of.identityName}`;
}

const maxNameLength = 253;

/**
 * A name that no other assignment has, of at most 253 characters: as much of the original's name as fits and a hash over
 * everything that makes the assignment different from others. Deterministic.
 *
 * @example
 * ```ts
 * distinctAssignedIdentityName({ podNamespace: 'shop', podName: 'web-0', identityNamespace: 'ids', identityName: 'reader', podUid });
 * // web-0-shop-reader-<16 hex digits>
 * ```
 */
export function distinctAssignedIdentityName(
  of: AssignedIdentityParts & { readonly identityNamespace: string; readonly podUid: string },
): string {
  const parts = [of.podNamespace, of.podName, of.identityNamespace, of.identityName, of.podUid];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  // A cut may leave a dot or hyphen at the end, and a name may not have `.-` in it.
  const head = assignedIdentityName(of)
    .slice(0, maxNameLength - 1 - hash.length)
    .replace(/[.-]+$/, '');
  return `${head}-${hash}`;
}

/**
 * Where the object lives: with its identity when that is namespaced (by its annotation or because everything is), otherwise
 * in `default`, wherever pod and identity are.
 */
export function assignedIdentityNamespace(identity: AzureIdentity, rules: MatchingRules): string {
  const own = rules.forceNamespaced || isNamespaced(identity);
  return (own ? identity.metadata.namespace : undefined) ?? defaultAssignedNamespace;
}
