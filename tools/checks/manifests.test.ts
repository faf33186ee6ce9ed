import { expect, test } from 'vitest';
import { readManifests } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';

interface Container {
  readonly name: string;
  readonly securityContext?: {
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
}
interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly securityContext?: object;
}

const folders = ['mic', 'nmi', 'nmi-uninstall'];
const pods = (await Promise.all(folders.map((folder) => readManifests(inDeploy(folder)))))
  .flat()
  .map((object) => (object['spec'] as { template?: { spec: PodSpec } } | undefined)?.template?.spec)
  .filter((spec) => spec !== undefined);
const containers = pods.flatMap(({ initContainers = [], containers }) => [...initContainers, ...containers]);

test('no container of the manifests is privileged, can escalate privileges, or can write to its root', () => {
  expect(containers.map(({ name }) => name)).toEqual([
    'mic',
    'install-redirect',
    'nmi',
    'uninstall-redirect',
  ]);
  for (const { securityContext } of containers) {
    expect(securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(securityContext).not.toHaveProperty('privileged');
  }
  for (const { securityContext } of pods)
    expect(securityContext).toEqual({ seccompProfile: { type: 'RuntimeDefault' } });
});

test('containers have capabilities only for the firewall rules and the uid of the listening socket', () => {
  const added = containers.map(({ name, securityContext }) => [
    name,
    securityContext?.capabilities?.add ?? [],
  ]);
  expect(Object.fromEntries(added)).toEqual({
    mic: [],
    'install-redirect': ['NET_ADMIN', 'NET_RAW'],
    nmi: ['NET_ADMIN', 'NET_RAW', 'SETUID'],
    'uninstall-redirect': ['NET_ADMIN', 'NET_RAW'],
  });
});
