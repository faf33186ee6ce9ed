// The published libraries as their users get them: packed, installed into an empty project, and used with what people use.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { findNode20, whyNoNode20 } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../stage/cleanup.ts';
import { programs, providePrograms, typeScriptVersions } from './programs.ts';
import { createProject, type Project } from './project.ts';

const missing = await providePrograms();
if (missing !== undefined) console.warn(`the packed libraries are not tested: ${missing}`);
const node20 = findNode20();
const no20 = whyNoNode20(node20);
if (no20 !== undefined) console.warn(`the packed libraries are not tested in Node 20: ${no20}`);
const nodes = [
  { name: 'this Node', node: process.execPath },
  { name: 'Node 20', node: node20 },
];

const names = {
  imds: '{ createImdsClient, ImdsError }',
  crds: '{ parseAzureIdentity, resources }',
};
const definitions = `
const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/X';
const parsed = parseAzureIdentity({ metadata: { name: 'x' }, spec: { ResourceID: id } });
const found = [parsed.ok && parsed.value.spec.resourceID === id, Object.keys(resources).length];
`;
const token = `
async function main() {
  const client = createImdsClient();
  const { token } = await client.getToken({ resource: 'https://vault.azure.net' });
  const refused = await client.getToken({ resource: 'https://refused' }).catch((error) => error);
  console.log(JSON.stringify([token, refused instanceof ImdsError && refused.code, ...found]));
}
main();
`;
const fromLibraries = `
import ${names.imds} from '@pod-identity/imds-client';
import ${names.crds} from '@pod-identity/crd-types';
`;
const modules = `${fromLibraries}${definitions}${token}`;
const common = `
const ${names.imds} = require('@pod-identity/imds-client');
const ${names.crds} = require('@pod-identity/crd-types');
${definitions}${token}`;
const typed = `
import { createImdsClient, ImdsError, type AccessToken } from '@pod-identity/imds-client';
import { parseAzureIdentity, type AzureIdentity } from '@pod-identity/crd-types';
export async function readToken(): Promise<AccessToken | string> {
  try {
    return await createImdsClient({ endpoint: 'http://127.0.0.1:1' }).getToken({ resource: 'https://vault.azure.net' });
  } catch (error) {
    if (error instanceof ImdsError) return error.code;
    throw error;
  }
}
export function identityOf(object: unknown): AzureIdentity | undefined {
  const parsed = parseAzureIdentity(object);
  return parsed.ok ? parsed.value : undefined;
}
// @ts-expect-error the address is text
createImdsClient({ endpoint: 1 });
`;
const printed = ['a token', 'identity-not-found', true, 4];

describe.skipIf(missing !== undefined)('packed and installed in an empty project, the libraries', () => {
  let project: Project;
  let env: Record<string, string>;
  const proxied: string[] = [];
  const cleanup = createCleanup();

  beforeAll(async () => {
    project = await cleanup.start(createProject, (made) => made.remove());
    const endpoint = await listen((url) => {
      const isKnown = !url.includes('refused');
      const refusal = { error: 'invalid_request', error_description: 'Identity not found' };
      return [isKnown ? 200 : 400, isKnown ? { access_token: 'a token', expires_in: '3600' } : refusal];
    });
    const proxy = await listen((url) => {
      proxied.push(url);
      return [200, { access_token: 'the token of a proxy', expires_in: '3600' }];
    });
    // A token must not come from a proxy, whatever the runtime does with these.
    const proxies = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, NODE_USE_ENV_PROXY: '1' };
    env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: endpoint, ...proxies };
    await project.write('main.mjs', modules);
    await project.write('main.cjs', common);
  });
  afterAll(() => cleanup.run());

  async function listen(answer: (url: string) => [status: number, body: object]): Promise<string> {
    const server = createServer(({ url = '' }, response) => {
      const [status, body] = answer(url);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup.add(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const run = async (program: string, ...args: string[]) => {
    const output = JSON.parse(await project.run(program, args, env)) as unknown;
    expect({ output, proxied }).toEqual({ output: printed, proxied: [] });
  };

  describe.for(nodes)('in $name', ({ node = '' }) => {
    test.skipIf(node === '').for(['main.mjs', 'main.cjs'])('run as %s', (file) => run(node, file));

    test.skipIf(node === '')(
      'have a command that npx finds, which prints a token or why there is none',
      async () => {
        const command = (resource: string, ...more: string[]) => {
          const args = ['token', '--resource', resource, ...more];
          // It begins with the first `node` of PATH.
          return project.run('node_modules/.bin/imds-client', args, { ...env, PATH: dirname(node) });
        };
        expect(JSON.parse(await command('https://vault.azure.net'))).toMatchObject({
          accessToken: 'a token',
        });
        expect(await command('https://vault.azure.net', '--explain')).toMatch(/^result +a token/m);
        await expect(command('https://refused')).rejects.toThrow('No token: the endpoint answered 400');
        expect(proxied).toEqual([]);
      },
    );
  });
  test.each(['main.mjs', 'main.cjs'])('run in Bun as %s', (file) => run(programs.bun, 'run', file));
  test('run in Deno', () => {
    const rights = ['--allow-net=127.0.0.1', '--allow-env', '--allow-read', '--no-prompt'];
    return run(programs.deno, 'run', '--cached-only', '--node-modules-dir=manual', ...rights, 'main.mjs');
  });

  describe.each(typeScriptVersions)('compile with TypeScript %s', (version) => {
    test.each([
      ['node16', 'node16', ['typed.mts', 'typed.cts']],
      ['nodenext', 'nodenext', ['typed.mts', 'typed.cts']],
      ['bundler', 'esnext', ['typed.ts']],
    ])('with the resolution of %s', async (moduleResolution, module, files) => {
      for (const file of files) await project.write(file, typed);
      const strictest = { strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noEmit: true };
      const target = { types: [], target: 'es2022', lib: ['es2022', 'dom'], module, moduleResolution };
      const config = { compilerOptions: { ...strictest, ...target }, files };
      const path = await project.write('tsconfig.json', JSON.stringify(config));
      await project.run(process.execPath, [programs.tsc(version), '--project', path]);
    });
  });

  describe.each(['esbuild', 'rollup', 'webpack', 'vite'])('bundle with %s', (bundler) => {
    const bundle = async (entry: string, platform: 'node' | 'browser') => {
      const file = join(
        project.folder,
        'bundles',
        `${bundler}.${platform}.${platform === 'node' ? 'mjs' : 'js'}`,
      );
      const args = [programs.bundle, bundler, join(project.folder, entry), file, platform];
      await project.run(process.execPath, args);
      return file;
    };

    test('for Node, and the bundle needs no package', async () => {
      const file = await bundle('main.mjs', 'node');
      expect(await readFile(file, 'utf8')).not.toMatch(
        /(\bfrom|\bimport|\brequire)\s*\(?\s*["']@pod-identity\//,
      );
      await run(process.execPath, file);
    });

    test('for a browser: crd-types', async () => {
      const text = `import ${names.crds} from '@pod-identity/crd-types';${definitions}globalThis.found = found;`;
      await project.write('browser.mjs', text);
      const page: { found?: unknown; TextEncoder: unknown } = { TextEncoder };
      // A browser has no process, Buffer or require.
      runInNewContext(await readFile(await bundle('browser.mjs', 'browser'), 'utf8'), page);
      expect(page.found).toEqual([true, 4]);
    });

    test('for a browser: two constants of crd-types are less than 1 kB', async () => {
      const constants = '{ bindingLabel, group }';
      const text = `import ${constants} from '@pod-identity/crd-types'; globalThis.found = ${constants};`;
      await project.write('constants.mjs', text);
      const code = await readFile(await bundle('constants.mjs', 'browser'), 'utf8');
      expect(code).toContain('aadpodidbinding');
      expect(code.length).toBeLessThan(1000);
    });
  });
});
