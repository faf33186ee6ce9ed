// What is made of the answers of `az`, here a script in its place.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Session } from '../cli/command.ts';
import { readAzure } from './read-azure.ts';
import { readIdentity } from './read-objects.ts';
import type { DoctorWorld } from './world.ts';

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

const identity = (namespace: string, subscription: string) =>
  readIdentity({
    metadata: { namespace, name: 'one' },
    spec: {
      type: 0,
      resourceID: `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i`,
    },
  });

async function look(...identities: readonly ReturnType<typeof identity>[]) {
  const facts = {
    identities: { kind: 'read', items: identities },
    nodes: { kind: 'read', items: [] },
    events: { kind: 'read', items: [] },
    explained: { value: [] },
    services: { nmi: [], mic: [], broker: [], imitations: [], unknown: [] },
  } as unknown as DoctorWorld;
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
