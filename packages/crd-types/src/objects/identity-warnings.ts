// Warnings about an AzureIdentity that is valid, since such objects are in clusters, but cannot do what its author means.
import { behaviorAnnotation } from '../parsing/group.ts';
import { isGuid } from '../ids/guid.ts';
import type { ObjectMeta } from '../parsing/meta.ts';
import { quote } from '../parsing/quote.ts';
import type { Section } from '../parsing/section.ts';
import { mostAuxiliaryTenants, tenantDoubt } from '../ids/tenant.ts';

interface Identity {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly clientID?: string;
    readonly clientPassword?: { readonly namespace?: string };
    readonly tenantID?: string;
    readonly auxiliaryTenantIDs?: readonly string[];
    readonly adResourceID?: string;
    readonly adEndpoint?: string;
  };
}

const resemblesBehavior = /^aadpodidentity\.k8s\.io\/behaviou?r$/i;
const toConfine = 'to keep the identity in its namespace';

/**
 * For an identity that is not namespaced: annotations and labels that look as if it were. The original compares key and value with case,
 * and so does the rule, since existing pods of other namespaces may have the identity by it.
 */
export function warnOfBehavior({ annotations, labels }: ObjectMeta, object: Section): void {
  const metadata = object.section('metadata');
  for (const [key, value] of resembling(annotations))
    warnOfAnnotation(metadata.section('annotations'), key, value);
  for (const [key, value] of resembling(labels))
    metadata
      .section('labels')
      .warn(
        key,
        `is ${quote(value)} and has no effect, since it is a label: write the annotation ${behaviorAnnotation}: namespaced ${toConfine}`,
      );
}

/** The keys of the annotation, also misspelt. */
export function resembling(
  values: ObjectMeta['annotations'],
): readonly (readonly [key: string, value: string])[] {
  return Object.entries(values ?? {}).filter(([key]) => resemblesBehavior.test(key));
}

function warnOfAnnotation(annotations: Section, key: string, value: string): void {
  annotations.warn(
    key,
    key === behaviorAnnotation
      ? `is ${quote(value)}, which has no effect: write namespaced, in lower case, ${toConfine}, or remove the annotation`
      : `is ${quote(value)} and has no effect, since keys are compared with case: write ${behaviorAnnotation}: namespaced ${toConfine}`,
  );
}

/** Values of the spec that can never work. */
export function warnOfValues({ metadata, spec }: Identity, section: Section): void {
  if (spec.clientID !== undefined && !isGuid(spec.clientID))
    section.warn(
      'clientID',
      `is ${quote(spec.clientID)}, which is no GUID: write the client id (application id) of the identity`,
    );
  warnOfTenants(spec, section);
  const endpoint = spec.adEndpoint === undefined ? undefined : endpointFault(spec.adEndpoint);
  if (endpoint !== undefined) section.warn('adEndpoint', endpoint);
  const resource = spec.adResourceID;
  if (resource !== undefined && !isUri(resource) && !isGuid(resource))
    section.warn(
      'adResourceID',
      `is ${quote(resource)}, which is no URI such as https://vault.azure.net: correct it, or remove it, since it is not used`,
    );
  warnOfSecret(metadata.namespace, spec.clientPassword?.namespace, section);
}

function warnOfTenants({ tenantID, auxiliaryTenantIDs = [] }: Identity['spec'], section: Section): void {
  const doubt = tenantID === undefined ? undefined : tenantDoubt(tenantID);
  if (doubt !== undefined) section.warn('tenantID', `is ${doubt}`);
  if (auxiliaryTenantIDs.length > mostAuxiliaryTenants)
    section.warn(
      'auxiliaryTenantIDs',
      `has ${auxiliaryTenantIDs.length} tenants, and Azure accepts tokens of at most ${mostAuxiliaryTenants}: remove the others`,
    );
  const bad = auxiliaryTenantIDs.map(tenantDoubt).find((one) => one !== undefined);
  if (bad !== undefined) section.warn('auxiliaryTenantIDs', `has ${bad}`);
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

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\S+$/i.test(text);
}

function warnOfSecret(own: string | undefined, named: string | undefined, section: Section): void {
  if (own === undefined || named === undefined || own === named) return;
  section
    .section('clientPassword')
    .warn(
      'namespace',
      `is ${quote(named)}, and NMI reads Secrets of the identity’s own namespace alone: move the Secret to ${quote(own)}`,
    );
}
