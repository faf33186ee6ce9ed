// docs/reference/attacks.md: the attacks that were tried, from attacks.yaml.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { row, table } from './markdown.ts';

export interface Attack {
  readonly attack: string;
  readonly protection?: string;
  /** Titles by file; none: the whole file. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

export interface AttackArea {
  readonly area: string;
  readonly attacks: readonly Attack[];
}

export function readAttacks(): readonly AttackArea[] {
  return parse(readFileSync(new URL('attacks.yaml', import.meta.url), 'utf8')) as readonly AttackArea[];
}

/** The parts of the page. */
export function attacksPage(areas: readonly AttackArea[]): readonly string[] {
  const count = areas.reduce((sum, { attacks }) => sum + attacks.length, 0);
  return [
    '# Attacks',
    `The ${count} attacks and faults that were tried, with the protection and the files of its tests, in the default settings unless an entry says otherwise. "Editor" means: may create AzureIdentity, AzureIdentityBinding, AzureAssignedIdentity, Secret and Pod in one namespace, and nothing else. Threat model and known gaps: [security](../administrator/security.md); the inputs with their limits: [inputs](inputs.md). The titles of the tests are in \`tools/docs/attacks.yaml\`.`,
    ...areas.flatMap(({ area, attacks }) => [
      `## ${area}`,
      `<!-- prettier-ignore -->\n${table(['Attack', 'Protection', 'Tests'], attacks.map(rowOf))}`,
    ]),
  ];
}

function rowOf({ attack, protection = '', tests }: Attack): string {
  const files = Object.keys(tests).map((path) => `[${basename(path, '.test.ts')}](../../${path})`);
  return row(attack, protection, files.join(', '));
}
