import { expect, test } from 'vitest';
import { readManifests } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly volumes?: unknown;
  readonly tolerations: unknown;
  readonly nodeSelector: unknown;
  readonly affinity: unknown;
  readonly securityContext: object;
  readonly containers: readonly { readonly env: readonly { readonly name: string }[] }[];
}
const podOf = async (file: string): Promise<PodSpec> => {
  const [daemonSet] = await readManifests(inDeploy(file));
  return (daemonSet?.['spec'] as { template: { spec: PodSpec } }).template.spec;
};
const canary = await podOf('components/canary/daemonset.yaml');

test('the canary is in the network of pods, without a token, a volume or an account of its own', () => {
  const { automountServiceAccountToken, hostNetwork, serviceAccountName, volumes } = canary;
  expect(automountServiceAccountToken).toBe(false);
  expect([hostNetwork, serviceAccountName, volumes]).toEqual([undefined, undefined, undefined]);
});

test('it is not root, has no capabilities, and writes nowhere', () => {
  expect(canary.securityContext).toEqual({
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(canary.containers).toHaveLength(1);
  expect(canary.containers[0]).toMatchObject({
    securityContext: {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  });
});

test('it knows its node, and runs where NMI runs', async () => {
  expect(canary.containers[0]?.env.map(({ name }) => name)).toContain('NODE_NAME');
  const { tolerations, nodeSelector, affinity } = await podOf('base/nmi/daemonset.yaml');
  expect(affinity).toBeDefined();
  expect(canary).toMatchObject({ tolerations, nodeSelector, affinity });
});
