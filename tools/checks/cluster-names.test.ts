// Objects that belong to no namespace have names of their own: the original's manifests and chart, which may run beside ours, have others.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy, repository } from '../stage/places.ts';

/** These two are the original's on purpose: its custom resources are ours, and all else of ours is in this namespace. */
const shared = ['CustomResourceDefinition', 'Namespace'];

/** Begins each name of the original's manifests (`aad-pod-id-nmi-role`), of its chart (`aad-pod-identity-nmi`), and of ours up to 0.1.0. */
const beginOfOriginal = 'aad-pod-id';

async function filesIn(folder: string, name = /\.yaml$/): Promise<readonly string[]> {
  const paths = await readdir(folder, { recursive: true });
  return paths.filter((path) => name.test(path)).map((path) => join(folder, path));
}
const files = [
  ...(await filesIn(inDeploy('components'), /\/(rbac|role)\.yaml$/)),
  ...(await filesIn(inDeploy('infra'))),
  ...(await filesIn(inDeploy('policies'))),
  ...(await filesIn(join(repository, 'tools/chart/golden'))),
];
const isInOurNamespace = ({ metadata: { namespace = 'default' } }: KubeObject) => namespace !== 'default';

test('objects outside namespaces, and those in default, have no name that the original uses', async () => {
  const objects = (await Promise.all(files.map((file) => readManifests(file)))).flat();
  const names = objects
    .filter((object) => !shared.includes(object.kind) && !isInOurNamespace(object))
    .map(({ metadata }) => metadata.name);
  expect(names).toContain('pod-identity-nmi');
  expect(names.filter((name) => name.startsWith(beginOfOriginal))).toEqual([]);
});
