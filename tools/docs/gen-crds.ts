// Writes the CustomResourceDefinitions of crd-types to deploy/crds; --check prints which file is stale instead, and fails.
import { stringify } from 'yaml';
import { customResourceDefinitions } from '../../packages/crd-types/src/schemas/schemas.ts';
import { settle } from './generated-files.ts';

const header =
  '# Made from packages/crd-types/src/schemas/schemas.ts by tools/docs/gen-crds.ts: change it there.\n';

settle(
  customResourceDefinitions().map((definition) => ({
    path: `deploy/crds/${definition.metadata.name.replace(/\..*/, '')}.yaml`,
    text: header + stringify(definition, { singleQuote: true, lineWidth: 0, aliasDuplicateObjects: false }),
  })),
  { command: 'node tools/docs/gen-crds.ts', noun: 'CustomResourceDefinitions' },
);
