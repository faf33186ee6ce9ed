// Room: rights in Kubernetes that an identity needs, and the mode and labels of a namespace.
// It must not do I/O, read a clock or the environment, or have a dependency.
import type { AzureIdentity } from '../objects/azure-identity.ts';
import { federatedFaults } from '../ids/federated.ts';
import { isGuid } from '../ids/guid.ts';
import { refuse, type Parsed, type Problem } from '../parsing/problem.ts';
import { foreignFault, quote } from '../parsing/quote.ts';
import { canonicalResourceId, parseIdentityResourceId, parseProviderId } from '../ids/resource-id.ts';
import { textOf } from '../parsing/section.ts';
import { isTenant, mostAuxiliaryTenants, tenantDoubt } from '../ids/tenant.ts';

/** The API group of rights on Azure identities. Separate, so that no wildcard on the group of the custom resources grants them. */
export const accessGroup = 'azure.aadpodidentity.k8s.io';
/** The verb of rights on Azure identities. The reviews name no namespace, so only ClusterRoleBindings grant it. */
export const accessVerb = 'use';

/** The resources of the rights. No such objects exist: the names are those of Azure. */
export type AccessResource = 'managedidentities' | 'applications' | 'federatedidentities' | 'machines';

/** A target that a ServiceAccount must be allowed to use. */
export interface AccessTarget {
  /** The `resources` of a rule in RBAC, in the group `azure.aadpodidentity.k8s.io`. */
  readonly resource: AccessResource;
  /** From the narrowest to the widest, in canonical form: a right on any one of them is sufficient. */
  readonly names: readonly [string, ...string[]];
}

/** A ServiceAccount, whose rights are those of its pods. */
export interface AccessSubject {
  /** Of the ServiceAccount and its pods. */
  readonly namespace: string;
  /** Of the ServiceAccount: `spec.serviceAccountName` of a pod. */
  readonly name: string;
}

/**
 * The targets that a pod must be allowed to use to act as this identity: all of them. A managed identity has one target, and so has a
 * federated one; a service principal has one in its tenant and one in each auxiliary tenant. The warnings are those of the parser about
 * the tenants.
 */
export function accessTargetsOf({ spec }: AzureIdentity): Parsed<readonly AccessTarget[]> {
  if (spec.type === 0) {
    const target = managedIdentityTarget(spec.resourceID ?? '');
    return target.ok ? { ...target, value: [target.value] } : at('spec.resourceID', target.problems);
  }
  if (spec.type === 3) {
    const target = federatedTarget(spec.tenantID ?? '', spec.clientID ?? '');
    return target.ok ? { ...target, value: [target.value] } : target;
  }
  return principalTargets(spec);
}

/**
 * The target for all identities of a machine: its virtual machine or its uniform scale set, from the id of either or of an instance of
 * the set.
 */
export function machineTarget(machine: string): Parsed<AccessTarget> {
  const id = textOf(machine);
  const foreign = foreignFault(id);
  if (foreign !== undefined) return refuse('', foreign);
  // The id of a scale set is parsed as that of its first instance, since provider ids name instances.
  const set = `${id.replace(/\/$/, '')}/virtualMachines/0`;
  const host = [id, set].map((text) => parseProviderId(`azure://${text}`)).find(({ ok }) => ok);
  if (host?.ok !== true)
    return refuse('', `must be the id of a virtual machine or of a scale set, not ${quote(id)}`);
  return { ok: true, value: { resource: 'machines', names: withScopes(host.value.id) }, warnings: [] };
}

/**
 * The target for a federated identity, which the right to use the same application with a Secret does not include. The tenant by its id: a
 * domain is refused.
 */
export function federatedTarget(tenantId: string, clientId: string): Parsed<AccessTarget> {
  const [tenantID, clientID] = [textOf(tenantId), textOf(clientId)];
  const problems = Object.entries({ tenantID, clientID }).flatMap(([key, text]) => {
    const message = federatedFaults[key as keyof typeof federatedFaults](text);
    return message === undefined ? [] : [{ path: `spec.${key}`, message }];
  });
  if (problems.length > 0) return { ok: false, problems };
  const names = namesIn(tenantID.toLowerCase(), clientID.toLowerCase());
  return { ok: true, value: { resource: 'federatedidentities', names }, warnings: [] };
}

/**
 * Parses a target on the command line: the ARM id of a managed identity or of a machine, `<tenant>/<client id>` for a service principal, or
 * `federatedidentities/<tenant>/<client id>`.
 *
 * @example
 * ```ts
 * const parsed = parseAccessTarget('contoso.com/00000000-0000-0000-0000-000000000001');
 * if (parsed.ok) console.log(parsed.value.resource); // applications
 * ```
 */
export function parseAccessTarget(target: string): Parsed<AccessTarget> {
  const text = textOf(target);
  if (text.startsWith('/'))
    return /\/providers\/Microsoft\.Compute\//i.test(text)
      ? machineTarget(text)
      : managedIdentityTarget(text);
  if (text.startsWith(federatedPrefix)) return parseFederated(text);
  const [tenant = '', client = '', ...rest] = text.split('/');
  const fault = rest.length > 0 ? 'has more than one slash' : (tenantFault(tenant) ?? clientFault(client));
  if (fault !== undefined)
    return refuse(
      '',
      `must be the id of a resource in Azure, <tenant>/<client id> or federatedidentities/<tenant>/<client id>: ${quote(text)} ${fault}`,
    );
  const value = applicationTarget(tenant.toLowerCase(), client.toLowerCase());
  return { ok: true, value, warnings: tenantWarnings('', 'has the tenant', [tenant]) };
}

const federatedPrefix = 'federatedidentities/';

function parseFederated(text: string): Parsed<AccessTarget> {
  const [, tenant = '', client = '', ...rest] = text.split('/');
  if (rest.length > 0) return refuse('', `${quote(text)} has more than two slashes`);
  const target = federatedTarget(tenant, client);
  return target.ok ? target : at('', target.problems);
}

/** Equal for equal targets only. */
export function accessTargetKey({ resource, names }: AccessTarget): string {
  return `${resource} ${names[0]}`;
}

function principalTargets(spec: AzureIdentity['spec']): Parsed<readonly AccessTarget[]> {
  const { clientID = '', tenantID = '', auxiliaryTenantIDs = [] } = spec;
  if (auxiliaryTenantIDs.length > mostAuxiliaryTenants)
    return refuse('spec.auxiliaryTenantIDs', `names more than ${mostAuxiliaryTenants} tenants`);
  const client = clientFault(clientID);
  if (client !== undefined) return refuse('spec.clientID', client);
  const problems = [
    ...tenantProblems('spec.tenantID', [tenantID]),
    ...tenantProblems('spec.auxiliaryTenantIDs', auxiliaryTenantIDs),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const tenants = new Set([tenantID, ...auxiliaryTenantIDs].map((tenant) => tenant.toLowerCase()));
  const value = Array.from(tenants, (tenant) => applicationTarget(tenant, clientID.toLowerCase()));
  const warnings = [
    ...tenantWarnings('spec.tenantID', 'is', [tenantID]),
    ...tenantWarnings('spec.auxiliaryTenantIDs', 'has', auxiliaryTenantIDs),
  ];
  return { ok: true, value, warnings };
}

function managedIdentityTarget(id: string): Parsed<AccessTarget> {
  const parsed = parseIdentityResourceId(id);
  if (!parsed.ok) return parsed;
  return { ...parsed, value: { resource: 'managedidentities', names: withScopes(parsed.value) } };
}

function applicationTarget(tenantId: string, clientId: string): AccessTarget {
  return { resource: 'applications', names: namesIn(tenantId, clientId) };
}

function namesIn(tenantId: string, clientId: string): AccessTarget['names'] {
  return [`${tenantId}/${clientId}`, tenantId];
}

/** The names of the resource, its resource group and its subscription. */
function withScopes(id: string): AccessTarget['names'] {
  const parts = canonicalResourceId(id).split('/');
  return [parts.join('/'), parts.slice(0, 5).join('/'), parts.slice(0, 3).join('/')];
}

function tenantProblems(path: string, tenants: readonly string[]): Problem[] {
  return tenants
    .map(tenantFault)
    .filter((fault) => fault !== undefined)
    .slice(0, 1)
    .map((message) => ({ path, message }));
}

/** As the parser of the AzureIdentity has them. */
function tenantWarnings(path: string, verb: string, tenants: readonly string[]): Problem[] {
  return tenants
    .map(tenantDoubt)
    .filter((doubt) => doubt !== undefined)
    .slice(0, 1)
    .map((doubt) => ({ path, message: `${verb} ${doubt}` }));
}

function tenantFault(text: string): string | undefined {
  if (text === '') return 'is missing: name the tenant by its id or by one of its domains';
  if (isTenant(text)) return undefined;
  return foreignFault(text) ?? `must be the id or a domain of a tenant, not ${quote(text)}`;
}

function clientFault(text: string): string | undefined {
  if (text === '') return 'is missing: a service principal is named by the client id of its application';
  if (isGuid(text)) return undefined;
  return foreignFault(text) ?? `must be a GUID, not ${quote(text)}`;
}

function at(path: string, problems: readonly Problem[]): Parsed<never> {
  return { ok: false, problems: problems.map(({ message }) => ({ path, message })) };
}
