// The table of docs/administrator/sizing.md says what the manifests ask for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../stage/places.ts';

interface Container {
  readonly resources: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
}
interface Workload {
  readonly spec: {
    readonly template: { readonly spec: Readonly<Record<string, readonly Container[] | undefined>> };
  };
}

const page = readFileSync(join(repository, 'docs/administrator/sizing.md'), 'utf8');

test.each([
  ['nmi', 'base/nmi/daemonset.yaml', 'containers'],
  ['install-redirect', 'base/nmi/daemonset.yaml', 'initContainers'],
  ['mic', 'base/mic/deployment.yaml', 'containers'],
  ['broker', 'components/broker/parts/deployment.yaml', 'containers'],
])('the row of %s', (name, file, list) => {
  const { spec } = parse(readFileSync(join(repository, 'deploy', file), 'utf8')) as Workload;
  const [container] = spec.template.spec[list] ?? [];
  const { requests, limits } = container!.resources;
  const [, cpu, memory, limit] = new RegExp(
    `^\\| \`${name}\`[^|]*\\|[^|]*\\| (\\S+) +\\| (\\S+) +\\| (\\S+) `,
    'm',
  ).exec(page)!;
  expect([cpu, memory, limit]).toEqual([requests['cpu'], requests['memory'], limits['memory']]);
});
