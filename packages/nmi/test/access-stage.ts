// A cluster in which somebody owns a namespace and wants what is not theirs, and an agent in mode `rbac`.
import {
  accessTargetsOf,
  apiVersion,
  parseAzureIdentity,
  rolesFor,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { addressOf, startStage, type PodRequest, type Stage } from './harness.ts';

export interface AccessStage extends Stage {
  /** The ARM id of a managed identity that the node carries. */
  readonly victim: string;
  readonly victimClientId: string;
  readonly machineId: string;
  /** ClusterRoles and ClusterRoleBindings, as the remedy of a refusal has them. Returns how they are taken away again. */
  grant(account: string, targets: readonly AccessTarget[]): Promise<() => Promise<void>>;
  /** An AzureIdentity with exactly this spec in the attacker's namespace, bound to the label `evil`. */
  write(spec: object): Promise<void>;
  /** A pod of the attacker's namespace with the label `evil`; its address. */
  evilPod(over?: {
    name?: string;
    labels?: Readonly<Record<string, string>>;
    account?: string;
    isMirror?: boolean;
    startedAt?: Date;
  }): Promise<string>;
  reviews(): number;
}

export const evil = 'shop';

const path = (plural: string) => `/apis/${apiVersion}/namespaces/${evil}/${plural}`;

export async function startAccessStage(of: Parameters<typeof startStage>[0] = {}): Promise<AccessStage> {
  const stage = await startStage(of);
  const { cluster, sim } = stage;
  const identity = await stage.bound('kiosk');
  stage.attach(identity);
  const machineId = cluster.nodes[0]?.hostId ?? '';
  const roles = '/apis/rbac.authorization.k8s.io/v1';

  return {
    ...stage,
    victim: identity.resourceId,
    victimClientId: identity.clientId,
    machineId,
    grant: async (account, targets) => {
      const [namespace = '', name = ''] = account.split('/');
      const { objects } = rolesFor({ subjects: [{ namespace, name }], targets });
      const plural = (kind: string) => `${roles}/${kind.toLowerCase()}s`;
      for (const object of objects) await cluster.client.request('POST', plural(object.kind), object);
      return async () => {
        for (const { kind, metadata } of objects)
          await cluster.client.request('DELETE', `${plural(kind)}/${metadata.name}`);
      };
    },
    write: async (spec) => {
      const metadata = { name: 'evil', namespace: evil };
      await cluster.client.request('POST', path('azureidentities'), {
        apiVersion,
        kind: 'AzureIdentity',
        metadata,
        spec,
      });
      await cluster.binding({ namespace: evil, name: 'evil', identity: 'evil', selector: 'evil' });
    },
    evilPod: async ({ name = 'evil', labels = {}, account: serviceAccountName = 'default', ...over } = {}) =>
      addressOf(
        await cluster.pod({ namespace: evil, name, label: 'evil', labels, serviceAccountName, ...over }),
      ),
    reviews: () => sim.kube.journal.count({ path: /subjectaccessreviews/ }),
  };
}

export function targetsOf(spec: object): readonly AccessTarget[] {
  const parsed = parseAzureIdentity({
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { name: 'i', namespace: evil },
    spec,
  });
  const targets = parsed.ok ? accessTargetsOf(parsed.value) : parsed;
  if (!targets.ok) throw new Error(JSON.stringify(targets.problems));
  return targets.value;
}

export const rbac = ['--identity-access=rbac'];

/** All ways in which a request can name an identity. */
export const selectors = (resourceId: string, clientId: string): readonly string[] => [
  '',
  `&client_id=${clientId}`,
  `&client_id=${clientId.toUpperCase()}`,
  `&msi_res_id=${encodeURIComponent(resourceId)}`,
  `&msi_res_id=${encodeURIComponent(resourceId.toUpperCase())}`,
  `&msi_res_id=${encodeURIComponent(`${resourceId}/`)}`,
  `&mi_res_id=${encodeURIComponent(resourceId)}`,
  '&object_id=00000000-0000-0000-0000-000000000000',
];

export const asked = (from: string, query = ''): PodRequest => ({
  from,
  query: `resource=https%3A%2F%2Fvault.azure.net${query}`,
});
