// Starts of MIC that its settings prevent: the program itself, as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'mic-start-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function mic(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, lines: err.split('\n').slice(0, -1) };
}

const missing = join(folder, 'none.json');
const clouds =
  'use AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud or AzureStackCloud';
const broken = file('broken.json', '{ "cloud": "AzurePublicCloud", "aadClientSecret": "hidden", }');
const wrong = file('wrong.json', '{ "cloud": "Moon\\n[ok] all is well" }');
const whole = file('whole.json', '{ "cloud": "AzurePublicCloud", "useManagedIdentityExtension": true }');

interface Start {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly lines: readonly string[];
}

test.each<[string, Start]>([
  [
    'an azure.json that is no JSON',
    {
      args: [`--cloudconfig=${broken}`],
      lines: [`${broken}: cloudconfig is not valid JSON; check for a trailing comma or a missing quote`],
    },
  ],
  [
    'several wrong settings in azure.json',
    {
      args: [`--cloudconfig=${wrong}`],
      lines: [
        `${wrong}: cloud names no cloud: 'Moon\\n[ok] all is well'; ${clouds}`,
        `${wrong}: tenantId is not set; write the directory (tenant) id`,
        `${wrong}: aadClientId is not set; write the application (client) id`,
        `${wrong}: aadClientSecret is not set; without useManagedIdentityExtension MIC needs a secret, aadClientCertPath or a federated token file`,
      ],
    },
  ],
  [
    'two files that are not there',
    {
      args: [`--cloudconfig=${missing}`],
      env: { AZURE_ENVIRONMENT_FILEPATH: missing },
      lines: ['cloudconfig', 'AZURE_ENVIRONMENT_FILEPATH'].map(
        (name) => `${name} cannot be read: ENOENT: no such file or directory, open '${missing}'`,
      ),
    },
  ],
  [
    'no kubeconfig',
    {
      args: [`--cloudconfig=${whole}`, `--kubeconfig=${missing}`],
      lines: [
        `cannot read the kubeconfig ${missing}: Error: ENOENT: no such file or directory, open '${missing}'`,
      ],
    },
  ],
])('with %s it prints a line for each problem and exits with 2', async (_, { args, env, lines }) => {
  expect(await mic(args, env)).toEqual({ code: 2, out: '', lines });
});
