// The built library, imported and required by Node 20.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const node20 = findNode20();
if (node20 === undefined) {
  console.warn(
    'skipped: no Node 20 here (set POD_IDENTITY_SYSTEM_NODE to one to test the built crd-types in it)',
  );
}

const program = `
  const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/X';
  const parsed = parseAzureIdentity({ metadata: { name: 'x' }, spec: { ResourceID: id } });
  console.log(JSON.stringify([parsed.ok && parsed.value.spec.resourceID === id, customResourceDefinitions().length]));
`;
const names = '{ parseAzureIdentity, customResourceDefinitions }';

describe.skipIf(node20 === undefined)('the built crd-types in Node 20', () => {
  beforeAll(() => {
    if (!existsSync(`${folder}/dist/index.cjs`)) execFileSync('tsup', { cwd: folder, shell: true });
  }, 120_000);

  test.each([
    ['imported', 'module', `import ${names} from './dist/index.js';${program}`],
    ['required', 'commonjs', `const ${names} = require('./dist/index.cjs');${program}`],
  ])('parses and has the definitions when it is %s', (_, type, code) => {
    const options = { cwd: folder, encoding: 'utf8' } as const;
    const output = execFileSync(node20!, [`--input-type=${type}`, '--eval', code], options);
    expect(JSON.parse(output)).toEqual([true, 4]);
  });
});

function findNode20(): string | undefined {
  const given = process.env['POD_IDENTITY_SYSTEM_NODE'];
  if (given !== undefined && given !== '') return given;
  return ['/usr/local/bin/node', '/usr/bin/node'].find(
    (path) => existsSync(path) && execFileSync(path, ['--version'], { encoding: 'utf8' }).startsWith('v20.'),
  );
}
