import { parseIdentityResourceId } from '@pod-identity/crd-types';
import { problem, shellWord, type Remedy } from '@pod-identity/policy';
import { clientIdRemedy } from '../../../mic/src/commands/plug-in.ts';
import { found, itemsOf, type Checked, type DoctorWorld, type Found, type IdentityFacts } from './world.ts';

/** No client id of an AzureIdentity is another one than Azure's: only MIC sees that, and writes it into the condition. */
export function checkClientIds({ identities }: DoctorWorld): Checked {
  const { items, unknown } = itemsOf(identities);
  const findings = items
    .filter(({ refusal }) => refusal === 'ClientIDMismatch')
    .flatMap((identity) => {
      const id = parseIdentityResourceId(identity.resourceId);
      const { namespace, name } = identity;
      const text = `AzureIdentity ${namespace}/${name} states another clientID than Azure has for its resourceID`;
      return id.ok
        ? [found(objectOf(identity), problem('identity', text, clientIdRemedy(id.value, identity)))]
        : [];
    });
  return { findings, unknown };
}

const objectOf = ({ namespace, name }: IdentityFacts) => `AzureIdentity/${namespace}/${name}`;

/** NMI repeats the Event every 5 minutes while pods ask. */
const recentMs = 10 * 60_000;

/** Microsoft Entra trusts the broker for each federated identity that a pod has asked for. */
export function checkFederated(world: DoctorWorld): Checked {
  const [identities, events] = [itemsOf(world.identities), itemsOf(world.events)];
  const since = (world.serverNow ?? world.now) - recentMs;
  const lacking = events.items.filter(
    ({ reason, lastAt }) => reason === 'CredentialMissing' && lastAt >= since,
  );
  const [broker] = world.services.broker;
  const federated = identities.items.filter(({ type }) => type === 3);
  const findings = federated.flatMap((identity): Found[] => {
    if (!lacking.some(({ name, namespace }) => concerns(world, `${namespace}/${name}`, identity))) return [];
    const { namespace, name } = identity;
    const text = `Microsoft Entra knows no federated credential of AzureIdentity ${namespace}/${name} that trusts the broker of this cluster`;
    const account = broker && `system:serviceaccount:${broker.namespace}:${accountOf(broker.object)}`;
    return [
      found(objectOf(identity), problem('credential', text, credentialRemedy(identity, account, world))),
    ];
  });
  return { findings, unknown: federated.length === 0 ? [] : [...identities.unknown, ...events.unknown] };
}

/** Whether the pod of the Event uses the identity. */
function concerns({ explained }: DoctorWorld, pod: string, { namespace, name }: IdentityFacts): boolean {
  if ('unknown' in explained) return pod.startsWith(`${namespace}/`);
  const explanation = explained.value.find((one) => one.pod === pod);
  return (
    explanation?.findings.some(({ text }) => text.includes(`AzureIdentity ${namespace}/${name}`)) === true
  );
}

function accountOf(deployment: unknown): string {
  const spec = (
    deployment as {
      readonly spec?: { readonly template?: { readonly spec?: { readonly serviceAccountName?: string } } };
    }
  ).spec;
  return spec?.template?.spec?.serviceAccountName ?? 'broker';
}

const audience = 'api://AzureADTokenExchange';

function credentialRemedy(
  { clientId, resourceId }: IdentityFacts,
  account: string | undefined,
  { issuer, services: { broker } }: DoctorWorld,
): Remedy {
  if ('unknown' in issuer || account === undefined)
    return { text: 'create it: nmi check-federated in a pod of the broker prints the command' };
  const [config] = broker.map((one) => one.config);
  const audiences =
    config !== undefined && 'brokerService' in config ? config.brokerService.cloud.audience : audience;
  const create = `--name aad-pod-identity-broker --issuer ${shellWord(issuer.value)} --subject ${account} --audiences ${shellWord(audiences)}`;
  const id = parseIdentityResourceId(resourceId);
  const [, , , , group = '', , , , name = ''] = id.ok ? id.value.split('/') : [];
  if (id.ok)
    return {
      text: 'create it; it takes minutes to work',
      command: `az identity federated-credential create --resource-group ${shellWord(group)} --identity-name ${shellWord(name)} ${create}`,
    };
  const query = `[?clientId=='${/^[\w-]+$/.test(clientId) ? clientId : ''}'].[resourceGroup,name]`;
  return {
    text: 'create it; it takes minutes to work',
    command: `az identity list --query "${query}" --output tsv | while read -r group name; do az identity federated-credential create --resource-group "$group" --identity-name "$name" ${create}; done`,
  };
}
