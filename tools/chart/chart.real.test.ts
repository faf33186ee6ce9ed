import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { podSpecOf } from '../checks/workloads.ts';
import { repository } from '../stage/places.ts';
import { runCommand } from '../stage/run-command.ts';
import { findHelm } from './helm-for-tests.ts';
import type { HelmVersion } from './helm.ts';
import { chartFolder, inChart } from './places.ts';
import { objectsOf, renderChart } from './render.ts';
import { templateRefusals } from './refused-values.ts';
import { goldenSets, schemaRefusals, type Refusal } from './value-sets.ts';
import { valueRows, valuesWithoutRow } from './value-rows.ts';

const versions: readonly HelmVersion[] = ['3.18.0', '4.2.3'];
const programs = await Promise.all(
  versions.map(async (version) => {
    const helm = await findHelm(version);
    if (helm.kind === 'missing') console.warn(`the chart is not tested with helm ${version}: ${helm.why}`);
    return { version, helm: helm.kind === 'found' ? helm.program : undefined };
  }),
);
const values = readFileSync(inChart('values.yaml'), 'utf8');

describe.each(programs)('with helm $version', ({ helm = '' }) => {
  test.skipIf(helm === '')('lint finds nothing', async () => {
    await runCommand(helm, ['lint', '--strict', chartFolder]);
  });

  test.skipIf(helm === '').each(Object.entries(goldenSets))(
    'renders %s as in golden/',
    async (name, rendering) => {
      // The two versions write other empty lines.
      const text = (await renderChart(helm, rendering)).replace(/\n\n+/g, '\n');
      await expect(text).toMatchFileSnapshot(join('golden', `${name}.yaml`));
    },
  );

  test.skipIf(helm === '').each(Object.entries(schemaRefusals))('refuses %s', (_, refusal) =>
    expectRefused(helm, refusal),
  );
});

const { helm: newest = '' } = programs.at(-1) ?? {};

test.skipIf(newest === '').each(Object.entries(templateRefusals))('refuses %s', (_, refusal) =>
  expectRefused(newest, refusal),
);

async function expectRefused(helm: string, { values: given, kubeVersion = '1.30', says }: Refusal) {
  const refused = renderChart(helm, { values: given, kubeVersion });
  for (const part of says) await expect(refused).rejects.toThrow(part);
}

test.skipIf(newest === '')('renders pod monitors where the operator is', async () => {
  const text = await renderChart(newest, {
    values: { monitoring: { enabled: true, labels: { release: 'prometheus' } } },
    kubeVersion: '1.30',
    apiVersions: ['monitoring.coreos.com/v1'],
  });
  const monitors = objectsOf(text).filter(({ kind }) => kind === 'PodMonitor');
  expect(monitors.map(({ metadata }) => metadata.name).toSorted()).toEqual(['mic', 'nmi']);
  for (const { metadata } of monitors) expect(metadata.labels).toMatchObject({ release: 'prometheus' });
});

test.skipIf(newest === '')('creates no identity again while the rules are removed', async () => {
  const { values: given = {} } = goldenSets['identities-1.30'] ?? {};
  const kindsOf = async (removeRules: boolean) => {
    const values = { ...given, nmi: { removeRules } };
    return objectsOf(await renderChart(newest, { values, kubeVersion: '1.30' })).map(({ kind }) => kind);
  };
  const kinds = ['AzureIdentity', 'AzureIdentityBinding'];
  expect(await kindsOf(false)).toEqual(expect.arrayContaining(kinds));
  for (const kind of kinds) expect(await kindsOf(true)).not.toContain(kind);
});

test.skipIf(newest === '')('takes the rules off the nodes that NMI runs on', async () => {
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'example/virtual', operator: 'DoesNotExist' }] }],
    },
  };
  for (const removeRules of [false, true]) {
    const values = { nmi: { removeRules, affinity: { nodeAffinity } } };
    const objects = objectsOf(await renderChart(newest, { values, kubeVersion: '1.30' }));
    const affinities = objects
      .filter(({ kind }) => kind === 'DaemonSet')
      .map((daemonSet) => podSpecOf(daemonSet)?.affinity?.nodeAffinity);
    expect(affinities).toEqual([nodeAffinity]);
  }
});

test.skipIf(newest === '')(
  'names in the namespace `default` the DaemonSet whose pods count for the taint',
  async () => {
    const text = await renderChart(newest, { kubeVersion: '1.30', namespace: 'default' });
    expect(text).toContain('- --nmi-daemonset=default/nmi');
  },
);

test.skipIf(newest === '')('in another namespace nothing names the namespace of the manifests', async () => {
  const on = { enabled: true };
  const values = {
    admissionPolicies: true,
    installMICException: true,
    identityAccess: { machineRights: true },
    startupTaint: 'a/b',
    monitoring: on,
  };
  const apiVersions = ['monitoring.coreos.com/v1'];
  const rendering = { values, kubeVersion: '1.30', apiVersions, namespace: 'elsewhere' };
  const text = await renderChart(newest, rendering);
  expect(text).toContain('system:serviceaccount:elsewhere:nmi');
  // Images, the name of the original's lock and of MIC's Lease, and the broker's namespace, which has no value.
  expect(text.replaceAll(/aad-pod-identity(\/(mic|nmi):|-mic\b|-broker\b)/g, '')).not.toContain(
    'aad-pod-identity',
  );
});

test('each value has a row that compares it with the original', () => {
  expect(valuesWithoutRow(values)).toEqual([]);
});

test('each value is in the schema, and the schema allows no value that the table does not have', () => {
  const schema = JSON.parse(readFileSync(inChart('values.schema.json'), 'utf8')) as Schema;
  const dropped = Object.keys(parse(readFileSync(inChart('dropped-values.yaml'), 'utf8')) as object);
  const rows = valueRows(values).map(({ path }) => path);
  const allowed = pathsOf(schema, []).filter((path) => path !== 'global');
  for (const path of [...rows, ...dropped]) expect(allowed).toContain(path);
  const isTold = (path: string) =>
    [...rows, ...dropped].some(
      (row) => path === row || path.startsWith(`${row}.`) || row.startsWith(`${path}.`),
    );
  expect(allowed.filter((path) => !isTold(path))).toEqual([]);
});

test('no value is both in the chart and dropped', () => {
  const dropped = Object.keys(parse(readFileSync(inChart('dropped-values.yaml'), 'utf8')) as object);
  expect(valueRows(values).filter(({ path }) => dropped.includes(path))).toEqual([]);
});

test('the definitions are those of deploy/crds', () => {
  const textsOf = (folder: string) =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
  expect(textsOf(inChart('crds'))).toEqual(textsOf(join(repository, 'deploy/crds')));
});

test('the images are those of this version of the services', () => {
  const { appVersion } = parse(readFileSync(inChart('Chart.yaml'), 'utf8')) as {
    readonly appVersion: string;
  };
  for (const name of ['mic', 'nmi']) {
    const text = readFileSync(join(repository, 'packages', name, 'package.json'), 'utf8');
    expect((JSON.parse(text) as { readonly version: string }).version).toBe(appVersion);
  }
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

function pathsOf({ properties = {} }: Schema, path: readonly string[]): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const at = [...path, name];
    return [at.join('.'), ...pathsOf(schema, at)];
  });
}
