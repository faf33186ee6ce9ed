// Room: types and parsers of the custom resources that people write.
// It must not do I/O, read a clock or the environment, or have a dependency.
import { parseAs } from '../parsing/custom-object.ts';
import { apiVersion, behaviorAnnotation } from '../parsing/group.ts';
import { readAllowedNamespaces, type AllowedNamespaces } from './allowed-namespaces.ts';
import { judgeFederated } from '../ids/federated.ts';
import type { Condition, ObjectMeta } from '../parsing/meta.ts';
import { readConditions, readMetadata } from '../parsing/object-meta.ts';
import { warnOfValues } from './identity-warnings.ts';
import { parseIdentityResourceId } from '../ids/resource-id.ts';
import {
  addProblem,
  defined,
  integerAt,
  isGiven,
  sectionAt,
  textAt,
  textsAt,
  warn,
  type Section,
} from '../parsing/section.ts';
import type { Parsed } from '../parsing/problem.ts';

/**
 * 0: user-assigned managed identity; 1: service principal with a client secret; 2: service principal with a certificate; 3: federated: a
 * managed identity or application that trusts the broker of the cluster, without a Secret.
 */
export type IdentityType = 0 | 1 | 2 | 3;

/** A Secret; default namespace: that of the AzureIdentity. */
export interface SecretReference {
  /** Kubernetes name. Type 1 reads the key `clientSecret` or the only key; type 2 `certificate`, or `tls.crt` and `tls.key`. */
  readonly name: string;
  /** Absent: the namespace of the AzureIdentity. NMI refuses any other. */
  readonly namespace?: string;
}

/** As users write it. Ids keep their spelling: compare resource ids by `canonicalResourceId`. */
export interface AzureIdentitySpec {
  /** The parser reads a missing one as 0. */
  readonly type: IdentityType;
  /** Type 0: the ARM id of the managed identity. Type 3: the same, if requests name the identity by it; it gives no right. */
  readonly resourceID?: string;
  /** The client id (application id), a GUID. Types 1, 2 and 3 need it; for type 0 it may be left out. */
  readonly clientID?: string;
  /** Types 1 and 2: the Secret with the client secret or the certificate. */
  readonly clientPassword?: SecretReference;
  /** Types 1 and 2: the tenant of the service principal, by its id (a GUID) or one of its domains. Type 3: the id of the tenant. */
  readonly tenantID?: string;
  /** Types 1 and 2: further tenants to request tokens of. NMI serves no identity with more than three. */
  readonly auxiliaryTenantIDs?: readonly string[];
  /** Not used, neither here nor in the original, which meant it as a default audience. */
  readonly adResourceID?: string;
  /**
   * Types 1 and 2: the https address of a login endpoint other than that of the cloud, of which the host counts; NMI accepts those that its
   * administrator allows.
   */
  readonly adEndpoint?: string;
  /** Other namespaces whose pods may use the identity. */
  readonly allowedNamespaces?: AllowedNamespaces;
}

/** An identity in Azure that pods may use if a binding selects them. */
export interface AzureIdentity {
  /** Group and version. The parser sets it even if the object lacks it, as items of some lists do. */
  readonly apiVersion: typeof apiVersion;
  /** The parser sets it even if the object lacks it. */
  readonly kind: 'AzureIdentity';
  /** The annotation `aadpodidentity.k8s.io/Behavior` with `namespaced` keeps the identity in its namespace; key and value are case-sensitive. */
  readonly metadata: ObjectMeta;
  /** From the object's author. */
  readonly spec: AzureIdentitySpec;
  /** From MIC, which writes the condition `Ready`. Absent until MIC has judged the object; in managed mode no MIC runs. */
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/**
 * Parses an AzureIdentity from untrusted JSON, also with keys of 2018. A key that is probably `allowedNamespaces`, in another case or
 * misspelt, is refused. Returns all problems. A managed identity (type 0, also the default) must have the resource id of one; a federated one (type 3) a client id and a tenant id, and nothing of a service principal.
 *
 * @example
 * ```ts
 * const parsed = parseAzureIdentity(await response.json());
 * if (parsed.ok) console.log(parsed.value.spec.resourceID);
 * else for (const { path, message } of parsed.problems) console.error(`${path}: ${message}`);
 * ```
 */
export function parseAzureIdentity(object: unknown): Parsed<AzureIdentity> {
  return parseAs('AzureIdentity', object, (section) => {
    const identity = readAzureIdentity(section);
    const spec = sectionAt(section, 'spec');
    judge(identity.spec, spec);
    warnOfValues(identity.spec, spec);
    if (isNamespaced(identity) && identity.spec.allowedNamespaces !== undefined)
      warn(
        spec,
        'allowedNamespaces',
        `has no effect beside the annotation ${behaviorAnnotation}: namespaced`,
      );
    return identity;
  });
}

/** Whether only pods of its own namespace may use this identity. */
export function isNamespaced(identity: AzureIdentity): boolean {
  return identity.metadata.annotations?.[behaviorAnnotation] === 'namespaced';
}

/**
 * Whether the identity, where a pod of this namespace may use it, is one that another namespace lends by `allowedNamespaces`: see `Match.isGuest`.
 */
export function isGuestIn(namespace: string, { metadata, spec }: AzureIdentity): boolean {
  return metadata.namespace !== namespace && spec.allowedNamespaces !== undefined;
}

/** Reads the fields without validating their meaning; also used for the copy in an AzureAssignedIdentity. */
export function readAzureIdentity(section: Section): AzureIdentity {
  const spec = sectionAt(section, 'spec');
  return defined({
    apiVersion,
    kind: 'AzureIdentity',
    metadata: readMetadata(section),
    spec: defined({
      type: readType(spec),
      resourceID: textAt(spec, 'resourceID'),
      clientID: textAt(spec, 'clientID'),
      clientPassword: readSecretReference(spec),
      tenantID: textAt(spec, 'tenantID'),
      auxiliaryTenantIDs: textsAt(spec, 'auxiliaryTenantIDs'),
      adResourceID: textAt(spec, 'adResourceID'),
      adEndpoint: textAt(spec, 'adEndpoint'),
      allowedNamespaces: readAllowedNamespaces(spec),
    }),
    status: readConditions(section),
  });
}

function readType(spec: Section): IdentityType {
  const type = integerAt(spec, 'type') ?? 0;
  if (type === 0 || type === 1 || type === 2 || type === 3) return type;
  addProblem(
    spec,
    'type',
    `must be 0 (managed identity), 1 (service principal with secret), 2 (with certificate) or 3 (federated), not ${type}`,
  );
  return 0;
}

function readSecretReference(spec: Section): SecretReference | undefined {
  if (!isGiven(spec, 'clientPassword')) return undefined;
  const reference = sectionAt(spec, 'clientPassword');
  const name = textAt(reference, 'name');
  return name === undefined ? undefined : defined({ name, namespace: textAt(reference, 'namespace') });
}

/** Validates the fields together. */
function judge(identity: AzureIdentitySpec, spec: Section): void {
  if (identity.type === 0) judgeResourceId(identity.resourceID, spec);
  else if (identity.type === 3) judgeFederated(identity, spec);
  else warnOfMissing(identity, spec);
}

function judgeResourceId(resourceID: string | undefined, spec: Section): void {
  const parsed = parseIdentityResourceId(resourceID ?? '');
  if (!parsed.ok) for (const { message } of parsed.problems) addProblem(spec, 'resourceID', message);
}

/** The original accepts a service principal without any fields, and fails at its first token. */
function warnOfMissing(identity: AzureIdentitySpec, spec: Section): void {
  for (const key of ['clientID', 'tenantID', 'clientPassword'] as const) {
    if (identity[key] === undefined)
      warn(spec, key, 'is missing: a service principal gets no token without it');
  }
}
