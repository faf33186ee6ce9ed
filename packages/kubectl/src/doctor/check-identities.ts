import { parseIdentityResourceId, type ResourceId } from '@pod-identity/crd-types';
import { credentialName, info, problem, shellWord, type Remedy } from '@pod-identity/policy';
import { clientIdRemedy } from '../../../mic/src/commands/plug-in.ts';
import { azCommand, credentialWords } from '../migrate/credential.ts';
import {
  found,
  itemsOf,
  type AzureFacts,
  type Checked,
  type DoctorWorld,
  type FederatedCredential,
  type Found,
  type IdentityFacts,
} from './world.ts';

/** No client id of an AzureIdentity is another one than Azure's: only MIC sees that, and writes it into the condition. */
export function checkClientIds({ identities }: DoctorWorld): Checked {
  const { items, unknown } = itemsOf(identities);
  const findings = items.filter(({ refusal }) => refusal === 'ClientIDMismatch').flatMap(misstatedClientId);
  return { findings, unknown };
}

export function misstatedClientId(identity: IdentityFacts): Found[] {
  const id = azureIdOf(identity);
  if (id === undefined) return [];
  const text = `AzureIdentity ${identity.namespace}/${identity.name} states another clientID than Azure has for its resourceID`;
  return [found(objectOf(identity), problem('identity', text, clientIdRemedy(id, identity)))];
}

export const objectOf = ({ namespace, name }: IdentityFacts): string => `AzureIdentity/${namespace}/${name}`;

/** By its resource id; with `azure` also by its client id. */
export function azureIdOf(
  { resourceId, clientId }: IdentityFacts,
  azure?: Pick<AzureFacts, 'identities'>,
): ResourceId | undefined {
  const id = parseIdentityResourceId(resourceId);
  if (id.ok) return id.value;
  return azure?.identities.find((one) => one.clientId.toLowerCase() === clientId.toLowerCase())?.id;
}

export const subscriptionOf = (id: string): string => id.split('/')[2] ?? '';

/** NMI repeats the Event every 5 minutes while pods ask. */
const recentMs = 10 * 60_000;

/** Federated identities whose credential a pod has missed lately. */
export function lackingCredential(world: DoctorWorld): readonly IdentityFacts[] {
  const since = (world.serverNow ?? world.now) - recentMs;
  const missed = itemsOf(world.events).items.filter(
    ({ reason, lastAt }) => reason === 'CredentialMissing' && lastAt >= since,
  );
  const isConcerned = concernedBy(
    new Set(missed.map(({ name, namespace }) => `${namespace}/${name}`)),
    world,
  );
  return itemsOf(world.identities).items.filter((identity) => identity.type === 3 && isConcerned(identity));
}

/** Microsoft Entra trusts the broker for each federated identity that a pod has asked for. */
export function checkFederated(world: DoctorWorld): Checked {
  const [identities, events] = [itemsOf(world.identities), itemsOf(world.events)];
  const isNeeded = identities.unknown.length > 0 || identities.items.some(({ type }) => type === 3);
  return {
    findings: lackingCredential(world).map((identity) => missingCredential(identity, world)),
    unknown: isNeeded ? [...identities.unknown, ...events.unknown] : [],
  };
}

function missingCredential(identity: IdentityFacts, world: DoctorWorld): Found {
  const key = `AzureIdentity ${identity.namespace}/${identity.name}`;
  const wanted = wantedCredential(world);
  const id = azureIdOf(identity, world.azure);
  const existing = (id && world.azure?.credentials.get(id)) ?? [];
  if (wanted !== undefined && existing.some((one) => isSame(one, wanted))) {
    const text = `${key} has the federated credential that a pod has missed lately; a new one takes minutes to work`;
    return found(objectOf(identity), info('credential', text));
  }
  const text = `Microsoft Entra knows no federated credential of ${key} that trusts the broker of this cluster`;
  const remedy = credentialRemedy({ resourceId: id ?? '', clientId: identity.clientId }, wanted);
  return found(objectOf(identity), problem('credential', text, remedy));
}

const isSame = (one: FederatedCredential, { issuer, subject, audience }: WantedCredential) =>
  one.issuer === issuer && one.subject === subject && one.audiences.includes(audience);

/** Whole: a name may be the beginning of another one. */
const identityName = /AzureIdentity ([-.0-9a-z]+\/[-.0-9a-z]*[0-9a-z])/g;

/** Whether one of the pods uses the identity. Each list is read once: editors write any number of Events, pods and identities. */
function concernedBy(
  pods: ReadonlySet<string>,
  { explained }: DoctorWorld,
): (identity: IdentityFacts) => boolean {
  if ('unknown' in explained) {
    const namespaces = new Set(Array.from(pods, (pod) => pod.split('/')[0]));
    return ({ namespace }) => namespaces.has(namespace);
  }
  const findings = explained.value.flatMap((one) => (pods.has(one.pod) ? one.findings : []));
  const named = new Set(
    findings.flatMap(({ text }) => Array.from(text.matchAll(identityName), ([, key]) => key)),
  );
  return ({ namespace, name }) => named.has(`${namespace}/${name}`);
}

function accountOf(deployment: unknown): string {
  const spec = (
    deployment as {
      readonly spec?: { readonly template?: { readonly spec?: { readonly serviceAccountName?: string } } };
    }
  ).spec;
  return spec?.template?.spec?.serviceAccountName ?? 'broker';
}

interface WantedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** That of the broker; undefined if there is none, or the issuer of its tokens is not known. */
function wantedCredential({ issuer, services }: DoctorWorld): WantedCredential | undefined {
  const [broker] = services.broker;
  if ('unknown' in issuer || broker === undefined) return undefined;
  const { config, namespace, object } = broker;
  return {
    issuer: issuer.value,
    subject: `system:serviceaccount:${namespace}:${accountOf(object)}`,
    audience: 'brokerService' in config ? config.brokerService.cloud.audience : 'api://AzureADTokenExchange',
  };
}

const credential = 'aad-pod-identity-broker';

function credentialRemedy(
  ids: { readonly resourceId: string; readonly clientId: string },
  wanted: WantedCredential | undefined,
): Remedy {
  if (wanted === undefined)
    return { text: 'create it: nmi check-federated in a pod of the broker prints the command' };
  const text = 'create it; it takes minutes to work';
  if (ids.resourceId !== '')
    return { text, command: azCommand(credentialWords({ ...ids, ...wanted, name: credential })) };
  const { issuer, subject, audience } = wanted;
  const clientId = /^[\w-]+$/.test(ids.clientId) ? ids.clientId : '';
  const create = `--name ${credentialName(credential, wanted)} --issuer ${shellWord(issuer)} --subject ${shellWord(subject)} --audiences ${shellWord(audience)}`;
  return {
    text,
    command: `az identity list --query "[?clientId=='${clientId}'].[resourceGroup,name]" --output tsv | while read -r group name; do az identity federated-credential create --resource-group "$group" --identity-name "$name" ${create}; done`,
  };
}
