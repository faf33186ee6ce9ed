// docs/administrator/security.md says of each right in the roles of MIC, NMI and the broker what a thief of the token does with it: a new right needs a row.
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { grantedTo } from '../e2e/granted.ts';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy, inDocs } from '../stage/places.ts';

const folders = ['base', 'components'];
const files = (
  await Promise.all(
    folders.map(async (folder) => {
      const paths = await readdir(inDeploy(folder), { recursive: true });
      return paths.filter((path) => /\/(rbac|role)\.yaml$/.test(path)).map((path) => `${folder}/${path}`);
    }),
  )
).flat();
const objects = (await Promise.all(files.map((file) => readManifests(inDeploy(file))))).flat();
/** Bound by an administrator, in the namespaces that he chooses. */
const secretsRole = 'pod-identity-nmi-secrets';
const boundByHand = {
  kind: 'RoleBinding',
  roleRef: { kind: 'ClusterRole', name: secretsRole },
  subjects: [{ name: 'nmi' }],
} as unknown as KubeObject;

const page = readFileSync(inDocs('administrator/security.md'), 'utf8');

describe.each([
  ['mic', '### A stolen MIC token'],
  ['nmi', '### A stolen NMI token'],
  ['broker', '### A stolen broker'],
])('the rights of %s', (account, heading) => {
  test('are those of the page, each of them and no other', () => {
    const granted = grantedTo(account, [...objects, boundByHand]).map(withoutGroup);
    expect(rowsBelow(heading)).toEqual([...new Set(granted)].toSorted());
  });
});

/** `patch azureidentities.aadpodidentity.k8s.io/status`, as `patch azureidentities/status`. */
const withoutGroup = (right: string) => right.replace(/^(\S+ [a-z]+)\.[a-z0-9.]+/, '$1');

const verbs = /\b(?:get|list|watch|create|update|patch|delete|deletecollection|use)\b/g;

/** The rights of the entries `- **RESOURCES: VERBS ….**`. */
function rowsBelow(heading: string): readonly string[] {
  const [, after = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = after.split(/\n#+ /);
  const rows = Array.from(section.matchAll(/^- \*\*([^:*]+):([^*]+)\*\*/gm));
  const rights = rows.flatMap(([, resources = '', how = '']) => {
    const named = resources.replace('aadpodidentity.k8s.io', '').match(/[a-z]+(?:\/[a-z]+)?/g) ?? [];
    return (how.match(verbs) ?? []).flatMap((verb) => named.map((resource) => `${verb} ${resource}`));
  });
  return [...new Set(rights)].toSorted();
}
