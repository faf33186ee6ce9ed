import { parseIdentityResourceId, type ResourceId } from '@pod-identity/crd-types';
import {
  azCommand,
  createCredentialWords,
  info,
  problem,
  shellWord,
  type Remedy,
  type TrustedTokens,
} from '@pod-identity/policy';
import { clientIdRemedy } from '../../../mic/src/commands/plug-in.ts';
import { brokerCredential, credentialWords, subjectOfAccount } from '../cluster/credential.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { audienceOf } from '../cluster/services.ts';
import {
  found,
  type AzureFacts,
  type CheckResult,
  type DoctorFacts,
  type FederatedCredential,
  type ObjectFinding,
  type IdentityFacts,
} from './facts.ts';

/** No client id of an AzureIdentity is another one than Azure's: only MIC sees that, and writes it into the condition. */
export function checkClientIds({ identities }: DoctorFacts): CheckResult {
  const mismatched = itemsOf(identities).filter(({ refusal }) => refusal === 'ClientIDMismatch');
  return { findings: mismatched.flatMap(misstatedClientId), unknown: unknownOf(identities) };
}

export function misstatedClientId(identity: IdentityFacts): ObjectFinding[] {
  const id = azureIdOf(identity);
  if (id === undefined) return [];
  const text = `AzureIdentity ${keyOf(identity)} states another clientID than Azure has for its resourceID`;
  return [found(objectOf(identity), problem('identity', text, clientIdRemedy(id, identity)))];
}

export const objectOf = (identity: ObjectName): string => `AzureIdentity/${keyOf(identity)}`;

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
export function lackingCredential(facts: DoctorFacts): readonly IdentityFacts[] {
  const since = (facts.serverNow ?? facts.now) - recentMs;
  const missed = itemsOf(facts.events).filter(
    ({ reason, lastAt }) => reason === 'CredentialMissing' && lastAt >= since,
  );
  const isConcerned = concernedBy(new Set(missed.map(keyOf)), facts);
  return itemsOf(facts.identities).filter((identity) => identity.type === 3 && isConcerned(identity));
}

/** Microsoft Entra trusts the broker for each federated identity that a pod has asked for. */
export function checkFederated(facts: DoctorFacts): CheckResult {
  const unread = unknownOf(facts.identities);
  const isNeeded = unread.length > 0 || itemsOf(facts.identities).some(({ type }) => type === 3);
  return {
    findings: lackingCredential(facts).map((identity) => missingCredential(identity, facts)),
    unknown: isNeeded ? [...unread, ...unknownOf(facts.events)] : [],
  };
}

function missingCredential(identity: IdentityFacts, facts: DoctorFacts): ObjectFinding {
  const key = `AzureIdentity ${keyOf(identity)}`;
  const wanted = wantedCredential(facts);
  const id = azureIdOf(identity, facts.azure);
  const existing = (id && facts.azure?.credentials.get(id)) ?? [];
  if (wanted !== undefined && existing.some((one) => isSame(one, wanted))) {
    const text = `${key} has the federated credential that a pod has missed lately; a new one takes minutes to work`;
    return found(objectOf(identity), info('credential', text));
  }
  const text = `Microsoft Entra knows no federated credential of ${key} that trusts the broker of this cluster`;
  const remedy = credentialRemedy({ resourceId: id ?? '', clientId: identity.clientId }, wanted);
  return found(objectOf(identity), problem('credential', text, remedy));
}

const isSame = (one: FederatedCredential, { issuer, subject, audience }: TrustedTokens) =>
  one.issuer === issuer && one.subject === subject && one.audiences.includes(audience);

/** Whole: a name may be the beginning of another one. */
const identityName = /AzureIdentity ([-.0-9a-z]+\/[-.0-9a-z]*[0-9a-z])/g;

/** Whether one of the pods uses the identity. Each list is read once: editors write any number of Events, pods and identities. */
function concernedBy(
  pods: ReadonlySet<string>,
  { explained }: DoctorFacts,
): (identity: IdentityFacts) => boolean {
  if ('unknown' in explained) {
    const namespaces = new Set(Array.from(pods, (pod) => pod.split('/')[0]));
    return ({ namespace }) => namespaces.has(namespace);
  }
  const findings = explained.value.flatMap((one) => (pods.has(one.pod) ? one.findings : []));
  const named = new Set(
    findings.flatMap(({ text }) => Array.from(text.matchAll(identityName), ([, key]) => key)),
  );
  return (identity) => named.has(keyOf(identity));
}

interface WantedCredential extends TrustedTokens {
  readonly name: string;
  readonly account: ObjectName;
}

/** That of the broker; undefined if there is none, or the issuer of its tokens is not known. */
function wantedCredential({ issuer, services }: DoctorFacts): WantedCredential | undefined {
  const [broker] = services.broker;
  if ('unknown' in issuer || broker === undefined) return undefined;
  const account = { namespace: broker.namespace, name: broker.account };
  const trusted = { issuer: issuer.value, subject: subjectOfAccount(account), audience: audienceOf(broker) };
  return { ...trusted, name: brokerCredential, account };
}

/** Of a shell. */
const variables = ['"$group"', '"$name"'] as const;

function credentialRemedy(
  { resourceId, clientId }: { readonly resourceId: string; readonly clientId: string },
  wanted: WantedCredential | undefined,
): Remedy {
  if (wanted === undefined)
    return { text: 'create it: nmi check-federated in a pod of the broker prints the command' };
  const text = 'create it; it takes minutes to work';
  if (resourceId !== '')
    return { text, command: azCommand(credentialWords({ ...wanted, resourceId, clientId })) };
  const [resourceGroup, name] = variables;
  const create = createCredentialWords(brokerCredential, wanted, { resourceGroup, name })
    .map((word) => (variables.some((variable) => variable === word) ? word : shellWord(word)))
    .join(' ');
  const known = /^[\w-]+$/.test(clientId) ? clientId : '';
  return {
    text,
    command: `az identity list --query "[?clientId=='${known}'].[resourceGroup,name]" --output tsv | while read -r group name; do az ${create}; done`,
  };
}
