// What is made of the answers of `az`, here a script in its place.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Session } from '../cli/command.ts';
import { readAzure } from './read-azure.ts';
import { readIdentity } from './read-objects.ts';
import type { DoctorFacts } from './facts.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'az-'));
  const script = join(folder, 'az');
  await writeFile(
    script,
    `#!/bin/sh
printf '%s\\n' "$*" >> '${folder}/calls'
case "$*" in *--subscription=refused*) echo 'az login' >&2; exit 1;; esac
echo '[]'
`,
  );
  await chmod(script, 0o755);
});
afterEach(() => rm(folder, { recursive: true }));

const identity = (namespace: string, subscription: string, { type = 0, name = 'i' } = {}) =>
  readIdentity({
    metadata: { namespace, name: 'one' },
    spec: {
      type,
      resourceID: `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
    },
  });

async function look(...identities: readonly ReturnType<typeof identity>[]) {
  const missed = identities.map(({ namespace }) => ({ reason: 'CredentialMissing', namespace, lastAt: 1 }));
  const facts = {
    now: 1,
    identities: { kind: 'read', items: identities },
    nodes: { kind: 'read', items: [] },
    events: { kind: 'read', items: missed },
    explained: { unknown: 'not read' },
    services: { nmi: [], mic: [], broker: [], imitations: [], unknown: [] },
  } as unknown as DoctorFacts;
  const env = { PATH: [folder, process.env['PATH']].join(delimiter) };
  const { signal } = new AbortController();
  const read = await readAzure(facts, { env, signal } as unknown as Session);
  return { ...read, calls: (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n') };
}

test('attack: what az does not list is not known, and not said to be missing in Azure', async () => {
  const { listed, unknown } = await look(identity('shop', 'refused'), identity('shop', 's'));
  expect([...listed]).toEqual(['s']);
  expect(unknown).toEqual([expect.stringMatching(/^az identity list --subscription=refused: az login$/)]);
});

test('attack: an editor who names many subscriptions does not take the room of other namespaces', async () => {
  const many = Array.from({ length: 30 }, (_, at) => identity('aaa', `a${at}`));
  const { listed, unknown } = await look(...many, identity('shop', 's'));
  expect(listed.has('s')).toBe(true);
  expect(unknown).toEqual(['only 10 of 31 subscriptions were looked at']);
});

test('attack: what an editor wrote is one word of the command, and no option of its own', async () => {
  const { calls } = await look(identity('shop', '--file'));
  expect(calls).toEqual(['identity list --subscription=--file --only-show-errors --output=json']);
});

test('attack: credentials that are not looked at are counted, and those of one namespace do not take the room of others', async () => {
  const federated = (namespace: string, name: string) => identity(namespace, 's', { type: 3, name });
  const many = Array.from({ length: 23 }, (_, at) => federated('aaa', `i-${at}`));
  const { credentials, unknown } = await look(...many, federated('shop', 'last'));
  expect([...credentials.keys()].map((id) => id.split('/').at(-1))).toContain('last');
  expect(unknown).toEqual([
    'only 20 of 24 identities whose federated credential a pod has missed were looked at',
  ]);
});
