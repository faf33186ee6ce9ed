// The built library, imported and required by Node 20.
import { execFileSync } from 'node:child_process';
import { findNode20, whyNoNode20 } from '../../kit/src/testing/node-20.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLibrary, type Built } from './built.ts';

const node20 = findNode20();
const missing = whyNoNode20(node20);
if (missing !== undefined) console.warn(`the built crd-types is not tested in Node 20: ${missing}`);

const program = `
  const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/X';
  const parsed = parseAzureIdentity({ metadata: { name: 'x' }, spec: { ResourceID: id } });
  const binding = parseAzureIdentityBinding({
    metadata: { name: 'b', namespace: 'n' },
    spec: { azureIdentity: 'x', selector: 'web' },
  });
  const { matches } = matchPod({
    ...bindingsAmong([binding.value]),
    pod: { namespace: 'n', labels: { aadpodidbinding: 'web' }, serviceAccount: 'default' },
    identityOf: () => parsed.value,
    rules: { forceNamespaced: true },
  });
  const isRead = parsed.ok && parsed.value.spec.resourceID === id;
  console.log(JSON.stringify([isRead, Object.keys(resources).length, matches.length]));
`;
const names = '{ bindingsAmong, matchPod, parseAzureIdentity, parseAzureIdentityBinding, resources }';

describe.skipIf(missing !== undefined)('the built crd-types in Node 20', () => {
  let built: Built;
  beforeAll(() => {
    built = buildLibrary();
  });
  afterAll(() => built.remove());

  test.each([
    ['imported', 'module', `import ${names} from './index.js';${program}`],
    ['required', 'commonjs', `const ${names} = require('./index.cjs');${program}`],
  ])('parses and matches when it is %s', (_, type, code) => {
    const options = { cwd: built.folder, encoding: 'utf8' } as const;
    const output = execFileSync(node20!, [`--input-type=${type}`, '--eval', code], options);
    expect(JSON.parse(output)).toEqual([true, 4, 1]);
  });
});
