// Warnings about an AzureIdentity that is valid, since such objects are in clusters, but cannot do what its author means.
import { isGuid } from '../ids/guid.ts';
import { quote } from '../parsing/quote.ts';
import { warn, type Section } from '../parsing/section.ts';
import { mostAuxiliaryTenants, tenantDoubt } from '../ids/tenant.ts';

interface Spec {
  readonly clientID?: string;
  readonly tenantID?: string;
  readonly auxiliaryTenantIDs?: readonly string[];
  readonly adEndpoint?: string;
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
