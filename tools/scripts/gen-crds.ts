// Writes the CustomResourceDefinitions of crd-types to deploy/crds; with --check only says which file is stale, and fails.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { customResourceDefinitions } from '../../packages/crd-types/src/schemas.ts';

const folder = new URL('../../deploy/crds/', import.meta.url);
const header =
  '# Made from packages/crd-types/src/schemas.ts by tools/scripts/gen-crds.ts: change it there.\n';
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const files = customResourceDefinitions().map((definition) => ({
  name: `${definition.metadata.name.replace(/\..*/, '')}.yaml`,
  text: header + stringify(definition, { singleQuote: true, lineWidth: 0, aliasDuplicateObjects: false }),
}));
const stale = files.filter(({ name, text }) => read(name) !== text);

if (values.check) {
  for (const { name } of stale)
    console.error(`deploy/crds/${name} is stale: run node tools/scripts/gen-crds.ts`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of stale) writeFileSync(new URL(name, folder), text);
}
console.log(
  `${files.length} CustomResourceDefinitions, ${stale.length} ${values.check ? 'stale' : 'written'}`,
);

function read(name: string): string | undefined {
  try {
    return readFileSync(new URL(name, folder), 'utf8');
  } catch {
    return undefined;
  }
}
