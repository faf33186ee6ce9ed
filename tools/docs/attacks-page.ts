// docs/reference/attacks.md: the attacks that were tried, from attacks.yaml.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';

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

/** The parts of the page. Protections and titles stay in attacks.yaml: whoever reads them has the tests open. */
export function attacksPage(areas: readonly AttackArea[]): readonly string[] {
  const count = areas.reduce((sum, { attacks }) => sum + attacks.length, 0);
  return [
    '# Attacks',
    `The ${count} attacks and faults that were tried, in the default settings unless an entry says otherwise. Each links to its tests; \`tools/docs/attacks.yaml\` has the protection and the titles of the tests. "Editor" means: may create AzureIdentity, AzureIdentityBinding, AzureAssignedIdentity, Secret and Pod in one namespace, and nothing else. Threat model and known gaps: [security](../administrator/security.md); what others write, with its limits: [security](../administrator/security.md#what-others-write-and-its-limits).`,
    ...areas.flatMap(({ area, attacks }) => [`## ${area}`, attacks.map(entryOf).join('\n')]),
  ];
}

/** The text links to the first file of tests; the further ones follow. */
function entryOf({ attack, tests }: Attack): string {
  const [first = '', ...further] = Object.keys(tests).map((path) => `../../${path}`);
  const links = further.map((path) => ` [${basename(path, '.test.ts')}](${path})`);
  return `- [${attack}](${first})${links.join(',')}`;
}
