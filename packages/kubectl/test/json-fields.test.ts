// The fields of `-o json` are a contract: programs of users read them, so the README names each of them where its command is described.
import { readFile } from 'node:fs/promises';
import type { Finding, Remedy } from '@pod-identity/policy';
import { beforeAll, expect, test } from 'vitest';
import type { Holder } from '../src/access/grants.ts';
import type { IdentityEntry } from '../src/access/targets.ts';
import type { UseEntry } from '../src/access/uses.ts';
import type { Cause, PodRow, Report, Service } from '../src/judge/report.ts';
import type { Plan, Step } from '../src/migrate/plan.ts';
import type { MigrationState } from '../src/migrate/migrate.ts';

/** All fields of a type, also those that are rare: the compiler finds one that is missing here. */
type FieldsOf<T> = Readonly<Record<keyof T, true>>;
const fields = <T>(all: FieldsOf<T>) => Object.keys(all);
const finding = fields<Finding>({ topic: true, verdict: true, text: true, remedy: true });
const remedy = fields<Remedy>({ text: true, command: true, paste: true });
const report = [
  ...fields<Report>({ causes: true, services: true, pods: true, holding: true, unknown: true }),
  ...fields<Cause>({
    key: true,
    state: true,
    text: true,
    actor: true,
    objects: true,
    pods: true,
    remedy: true,
  }),
  ...fields<Service>({ kind: true, namespace: true, name: true, version: true, state: true, text: true }),
  ...fields<PodRow>({
    pod: true,
    serviceAccount: true,
    identities: true,
    bindings: true,
    host: true,
    node: true,
    state: true,
    why: true,
  }),
  ...remedy,
];
const typed: Readonly<Record<string, readonly string[]>> = {
  status: report,
  explain: [...finding, ...remedy],
  access: [
    ...fields<IdentityEntry>({
      resource: true,
      name: true,
      right: true,
      on: true,
      roles: true,
      by: true,
      warning: true,
    }),
    ...fields<Holder>({ holder: true, on: true, clusterRole: true, clusterRoleBinding: true }),
    ...fields<UseEntry>({
      pod: true,
      node: true,
      serviceAccount: true,
      by: true,
      type: true,
      azure: true,
      mode: true,
      right: true,
      mayUse: true,
      state: true,
    }),
  ],
  migrate: [
    ...fields<Plan>({ title: true, steps: true, notes: true, back: true }),
    ...fields<Step>({ id: true, title: true, state: true, why: true, commands: true }),
    ...fields<MigrationState>({ state: true, unknown: true, next: true }),
  ],
};

let readme = '';
beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
});

/** What is under the heading of a command, up to the next one. */
function sectionOf(command: string): string {
  const [, section = ''] = new RegExp(`^##+ ${command}\n([^]*?)(?=^##|(?![^]))`, 'm').exec(readme) ?? [];
  return section;
}
const isNamed = (section: string, name: string) => new RegExp(`[\`"]${name}[\`"]`).test(section);

test.each(Object.entries(typed))('%s: each field of its types is in the README', (command, names) => {
  const section = sectionOf(command);
  expect(names.filter((name) => !isNamed(section, name))).toEqual([]);
});
