// Federated credentials that pods have missed lately, by NMI's Events about them.
import type { AzureIdentity } from '@pod-identity/crd-types';
import { azCommand, createCredentialWords, shellWord, type Remedy } from '@pod-identity/policy';
import { brokerCredential, credentialWords, subjectOfAccount } from '../cluster/credential.ts';
import { keyOf } from '../cluster/fields.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { audienceOf } from '../cluster/services.ts';
import { clusterProblem, type Found } from './causes.ts';

export interface Missed {
  /** `NAMESPACE/NAME` */
  readonly pods: ReadonlySet<string>;
  /** Of the cluster's ServiceAccount tokens; undefined if it is not known. */
  readonly issuer: string | undefined;
  readonly unknown: readonly string[];
}

/** NMI repeats its Event every 5 minutes while pods ask. */
export const recentMinutes = 6;

export const isFederated = ({ spec }: AzureIdentity): boolean => spec.type === 3;

export function missedCredential(
  { metadata, spec }: AzureIdentity,
  read: ClusterRead,
  { issuer }: Missed,
): Found {
  const object = `AzureIdentity ${keyOf(metadata)}`;
  return {
    ...clusterProblem({
      key: `credential ${object}`,
      text: `in the last ${recentMinutes} minutes Microsoft Entra knew no federated credential of ${object} that trusts the broker`,
      objects: [object],
      remedy: remedyOf(spec, read, issuer),
    }),
    actor: 'Azure administrator',
  };
}

function remedyOf(
  { resourceID: resourceId = '', clientID: clientId = '' }: AzureIdentity['spec'],
  { services }: ClusterRead,
  issuer: string | undefined,
): Remedy {
  const [broker] = services.broker;
  if (issuer === undefined || broker === undefined)
    return { text: 'create it: nmi check-federated in a pod of the broker prints the command' };
  const text = 'create it; it takes minutes to work';
  const account = { namespace: broker.namespace, name: broker.account };
  const audience = audienceOf(broker);
  const wanted = { name: brokerCredential, issuer, account, audience, resourceId, clientId };
  if (resourceId !== '') return { text, command: azCommand(credentialWords(wanted)) };
  const trusted = { issuer, subject: subjectOfAccount(account), audience };
  const create = createCredentialWords(brokerCredential, trusted, { resourceGroup: group, name })
    .map((word) => (word === group || word === name ? word : shellWord(word)))
    .join(' ');
  const known = /^[\w-]+$/.test(clientId) ? clientId : '';
  return {
    text,
    command: `az identity list --query "[?clientId=='${known}'].[resourceGroup,name]" --output tsv | while read -r group name; do az ${create}; done`,
  };
}

/** Of a shell. */
const [group, name] = ['"$group"', '"$name"'];
