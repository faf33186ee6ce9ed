// The built library where there is no Node.js: what it loads, which globals it uses, and what a bundle of a part of it costs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as crdTypes from '../src/index.ts';
import { buildLibrary, reachableFrom, type Built } from './built.ts';

let built: Built;
beforeAll(() => {
  built = buildLibrary();
});
afterAll(() => built.remove());

describe('the built library', () => {
  test.each(['index.js', 'index.cjs'])('%s loads no module but its own files', (file) => {
    expect(reachableFrom(join(built.folder, file)).modules).toEqual([]);
  });

  test('needs no global but those of the language and TextEncoder', () => {
    const [code = ''] = reachableFrom(join(built.folder, 'index.cjs')).files.values();
    const module = { exports: {} };
    const context = { module, exports: module.exports, TextEncoder };
    // A new context has what ECMAScript defines, and no Buffer, process, fetch or URL.
    const answer = runInNewContext(
      `${code}
;(${useIt.toString()})(module.exports)`,
      context,
    );
    expect(JSON.parse(answer as string)).toEqual({
      parsed: true,
      name: 'web-0-shop-reader-8e01c29aba6d0959',
      roles: 2,
      matches: 1,
    });
  });
});

/** Runs in the other context: only what is in its argument exists there. */
function useIt(library: typeof crdTypes): string {
  const id =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
  const identity = library.parseAzureIdentity({
    metadata: { name: 'reader', namespace: 'shop' },
    spec: { resourceID: id },
  });
  const binding = library.parseAzureIdentityBinding({
    metadata: { name: 'b', namespace: 'shop' },
    spec: { azureIdentity: 'reader', selector: 'web' },
  });
  if (!identity.ok || !binding.ok) return '{}';
  const targets = library.accessTargetsOf(identity.value);
  const { matches } = library.matchPod({
    ...library.bindingsAmong([binding.value]),
    pod: { namespace: 'shop', labels: { aadpodidbinding: 'web' }, serviceAccount: 'default' },
    identityOf: () => identity.value,
    rules: { forceNamespaced: true },
  });
  return JSON.stringify({
    parsed: identity.ok,
    name: library.distinctAssignedIdentityName({
      podNamespace: 'shop',
      podName: 'web-0',
      identityNamespace: 'shop',
      identityName: 'reader',
      podUid: 'u',
    }),
    roles: library.rolesFor({
      subjects: [{ namespace: 'shop', name: 'web' }],
      targets: targets.ok ? targets.value : [],
    }).objects.length,
    matches: matches.length,
  });
}

const esbuild = await import('esbuild').catch(() => undefined);
if (esbuild === undefined)
  console.warn(
    'skipped: esbuild is not installed, so sizes of bundles are not checked. To install it: npm ci',
  );

describe.skipIf(esbuild === undefined)('a bundle by esbuild for browsers', () => {
  test('holds nothing if nothing is used', async () => {
    expect(await bundle(`import * as all from './index.js'`)).toBe('');
  });

  test('with two constants has less than 1 kB', async () => {
    const code = await bundle(
      `import { group, bindingLabel } from './index.js'; console.log(group, bindingLabel)`,
    );
    expect(code).toContain('aadpodidbinding');
    expect(code.length).toBeLessThan(1000);
  });

  test('with one parser does not hold the matching rule', async () => {
    const code = await bundle(
      `import { parseAzureIdentity } from './index.js'; console.log(parseAzureIdentity({}))`,
    );
    expect(code).not.toMatch(/shadowed/);
    // It had 18,900 bytes in November 2026, 7,300 with gzip; a third of it are the texts of problems and warnings.
    expect(code.length).toBeLessThan(22_000);
  });

  async function bundle(program: string): Promise<string> {
    const entry = join(built.folder, 'program.js');
    writeFileSync(entry, program);
    const { outputFiles } = await esbuild!.build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'silent',
    });
    return outputFiles[0]?.text.trim() ?? '';
  }
});
