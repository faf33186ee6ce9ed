// Warnings about an AzureIdentity that is valid, since such objects are in clusters, but cannot do what its author means.
import { behaviorAnnotation } from '../parsing/group.ts';
import { isGuid } from '../ids/guid.ts';
import type { ObjectMeta } from '../parsing/meta.ts';
import { quote } from '../parsing/quote.ts';
import { sectionAt, warn, type Section } from '../parsing/section.ts';
import { mostAuxiliaryTenants, tenantDoubt } from '../ids/tenant.ts';

interface Spec {
  readonly clientID?: string;
  readonly tenantID?: string;
  readonly auxiliaryTenantIDs?: readonly string[];
  readonly adEndpoint?: string;
}

/**
 * For an identity that is not namespaced: annotations and labels that look as if it were. The original compares key and value with case,
 * and so does the rule, since existing pods of other namespaces may have the identity by it.
 */
export function warnOfBehavior(metadata: ObjectMeta, object: Section): void {
  const toConfine = `write the annotation ${behaviorAnnotation}: namespaced to keep the identity in its namespace`;
  for (const field of ['annotations', 'labels'] as const)
    for (const key of resembling(metadata[field]))
      warn(
        sectionAt(sectionAt(object, 'metadata'), field),
        key,
        `is ${quote(metadata[field]?.[key] ?? '')} and has no effect, since it is another key, another value or a label: ${toConfine}`,
      );
}

/** The keys of the annotation, also misspelt. */
export function resembling(values: ObjectMeta['annotations']): readonly string[] {
  return Object.keys(values ?? {}).filter((key) => /^aadpodidentity\.k8s\.io\/behaviou?r$/i.test(key));
}

/** Values of the spec that can never work. */
export function warnOfValues(spec: Spec, section: Section): void {
  if (spec.clientID !== undefined && !isGuid(spec.clientID))
    warn(
      section,
      'clientID',
      `is ${quote(spec.clientID)}, which is no GUID: write the client id (application id) of the identity`,
    );
  warnOfTenants(spec, section);
  const endpoint = spec.adEndpoint === undefined ? undefined : endpointFault(spec.adEndpoint);
  if (endpoint !== undefined) warn(section, 'adEndpoint', endpoint);
}

function warnOfTenants({ tenantID, auxiliaryTenantIDs = [] }: Spec, section: Section): void {
  const doubt = tenantID === undefined ? undefined : tenantDoubt(tenantID);
  if (doubt !== undefined) warn(section, 'tenantID', `is ${doubt}`);
  if (auxiliaryTenantIDs.length > mostAuxiliaryTenants)
    warn(
      section,
      'auxiliaryTenantIDs',
      `has ${auxiliaryTenantIDs.length} tenants, and Azure accepts tokens of at most ${mostAuxiliaryTenants}: remove the others`,
    );
  const bad = auxiliaryTenantIDs.map(tenantDoubt).find((one) => one !== undefined);
  if (bad !== undefined) warn(section, 'auxiliaryTenantIDs', `has ${bad}`);
}

const credentials = /^(?:[a-z]*:\/\/)?[^/?#]*@/i;
const address = /^https:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(.*)$/is;

/** By the rules of NMI: https, without credentials, and only the host counts. The fault names no password. */
function endpointFault(text: string): string | undefined {
  if (credentials.test(text)) return 'has a user name or a password: remove them, the Secret alone has one';
  const [, host, port = '', rest = ''] = address.exec(text) ?? [];
  if (host === undefined || !/^(?:$|[/?#])/.test(rest))
    return `is ${quote(text)}, which is no https address such as https://login.microsoftonline.com: write one`;
  if (rest === '' || rest === '/') return undefined;
  return `is ${quote(text)}, of which only the host counts: write ${quote(`https://${host}${port}`)}`;
}
