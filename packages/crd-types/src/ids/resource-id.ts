// Room: ids of Azure identities, clients and tenants.
// It must not do I/O, read a clock or the environment, or have a dependency.
import { refuse, type Parsed } from '../parsing/problem.ts';
import { foreignFault, quote } from '../parsing/quote.ts';
import { textOf } from '../parsing/section.ts';

/**
 * The ARM id of a resource in canonical form: lower case, no trailing slash. Azure compares ids without case, so two
 * ResourceIds name the same resource exactly when they are equal strings.
 */
export type ResourceId = string & { readonly __brand: 'ResourceId' };

/** The parts of an ARM resource id, in their original spelling. */
export interface ResourceIdParts {
  /** After `/subscriptions/`: a GUID in Azure, which the parsers do not require. */
  readonly subscriptionId: string;
  /** After `/resourceGroups/`. In AKS the nodes have a group of their own. */
  readonly resourceGroup: string;
  /** Such as `Microsoft.Compute`. */
  readonly provider: string;
  /** Such as `virtualMachineScaleSets`. */
  readonly type: string;
  /** Of the resource itself, not of a child. */
  readonly name: string;
  /** Child resources, outermost first. */
  readonly nested: readonly { readonly type: string; readonly name: string }[];
}

/** `vm`: a virtual machine, also one of a flexible scale set. `vmss`: a uniform scale set. */
export type HostKind = 'vm' | 'vmss';

/** The Azure resource that carries the identities of a node: its virtual machine or its uniform scale set. */
export interface Host {
  /** From the type of resource in the provider id. */
  readonly kind: HostKind;
  /** Of the virtual machine, or of the scale set without the instance; in lower case. */
  readonly id: ResourceId;
}

// The characters that Azure allows in names of groups, machines and identities. Others (%, ?, a quote, `..`) could change the meaning of
// a URL or command line that contains the id.
const segment = /^(?!\.{1,2}$)[\p{L}\p{M}\p{N}_().-]+$/u;

// Without the flag `u`, with which other letters count for those of the keywords, such as U+017F for `s`.
const shape =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+)\/([^/]+)\/([^/]+)((?:\/[^/]+\/[^/]+)*)\/?$/i;

/** Azure allows 36 characters for a subscription, 90 for a group, 128 for an identity. */
const longestIdentityId = 640;

const resourceShape = '/subscriptions/<id>/resourceGroups/<group>/providers/<provider>/<type>/<name>';
const identityShape =
  '/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>';

/**
 * Parses the ARM id of any resource in a resource group. Keywords are recognised in any case; one trailing slash is allowed.
 */
export function parseResourceId(text: string): Parsed<ResourceIdParts> {
  const id = textOf(text);
  const match = shape.exec(id);
  if (match === null || !id.split('/').every((part) => part === '' || segment.test(part)))
    return refuse('', `must be an ARM resource id, ${resourceShape}, not ${quote(id)}`);
  const [, subscriptionId = '', resourceGroup = '', provider = '', type = '', name = '', rest = ''] = match;
  const nested = rest
    .split('/')
    .slice(1)
    .flatMap((one, at, all) => (at % 2 === 0 ? [{ type: one, name: all[at + 1] ?? '' }] : []));
  return { ok: true, value: { subscriptionId, resourceGroup, provider, type, name, nested }, warnings: [] };
}

/**
 * The canonical id of a user-assigned managed identity; refuses the id of anything else, and any character beyond ASCII: the groups of
 * Azure may have them, but letters that look like others, or cannot be seen, would make two ids look equal.
 */
export function parseIdentityResourceId(text: string): Parsed<ResourceId> {
  const id = textOf(text);
  const foreign = foreignFault(id);
  if (foreign !== undefined) return refuse('', foreign);
  if (id.length > longestIdentityId)
    return refuse('', `has more than ${longestIdentityId} bytes; no id of an identity in Azure is as long`);
  const parsed = parseResourceId(id);
  if (!parsed.ok || !isType(parsed.value, 'Microsoft.ManagedIdentity', 'userAssignedIdentities')) {
    return refuse(
      '',
      `must be the id of a user-assigned managed identity, ${identityShape}, not ${quote(id)}`,
    );
  }
  return { ok: true, value: canonicalResourceId(id), warnings: [] };
}

/** Lower case and without trailing slashes. Does not validate: parse untrusted ids first. */
export function canonicalResourceId(text: string): ResourceId {
  const id = textOf(text);
  let end = id.length;
  while (id[end - 1] === '/') end -= 1;
  return id.slice(0, end).toLowerCase() as ResourceId;
}

/**
 * The host of a node, from its `spec.providerID`. A uniform scale set holds identities for all its instances, so the set is the host; in a
 * flexible scale set each instance is a virtual machine and a host of its own. Subscription and group are those of the id. A node that the
 * cloud provider has not seen yet has no id: then the problem says so.
 *
 * @example
 * ```ts
 * const parsed = parseProviderId(node.spec.providerID);
 * if (parsed.ok) console.log(parsed.value.kind, hostName(parsed.value)); // vmss aks-pool-1
 * ```
 */
export function parseProviderId(providerId: string | undefined): Parsed<Host> {
  const text = textOf(providerId);
  const scheme = /^azure:\/\//i.exec(text);
  const parsed = scheme === null ? undefined : parseResourceId(text.slice(scheme[0].length));
  const host = parsed?.ok === true ? hostOf(parsed.value) : undefined;
  if (host === undefined) {
    return refuse(
      '',
      `must name a virtual machine or a scale set's instance, azure://${resourceShape}, not ${quote(text)}`,
    );
  }
  return { ok: true, value: host, warnings: [] };
}

/** The last part of the host's id, for messages. */
export function hostName(host: Host): string {
  return host.id.slice(host.id.lastIndexOf('/') + 1);
}

function hostOf(parts: ResourceIdParts): Host | undefined {
  const { subscriptionId, resourceGroup, provider, type, name, nested } = parts;
  const id = canonicalResourceId(
    `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${provider}/${type}/${name}`,
  );
  if (isType(parts, 'Microsoft.Compute', 'virtualMachines')) return { kind: 'vm', id };
  const isInstance = nested.length === 1 && nested[0]?.type.toLowerCase() === 'virtualmachines';
  const isScaleSet = isType({ ...parts, nested: [] }, 'Microsoft.Compute', 'virtualMachineScaleSets');
  return isScaleSet && isInstance ? { kind: 'vmss', id } : undefined;
}

/** Whether this is a top-level resource of the given type. */
function isType(parts: ResourceIdParts, provider: string, type: string): boolean {
  return (
    parts.nested.length === 0 &&
    parts.provider.toLowerCase() === provider.toLowerCase() &&
    parts.type.toLowerCase() === type.toLowerCase()
  );
}
