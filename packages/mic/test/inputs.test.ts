// Each input of MIC at its bound, written from one namespace, while a pod of another namespace waits for its identity. tools/inputs has the
// register.
import { apiVersion, bindingLabel, fieldLimits, namespaceFields } from '@pod-identity/crd-types';
import { objectFields, withField, type ObjectField } from '@pod-identity/kit/testing';
import type { KubeObject } from '@pod-identity/sim';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { podFieldsWithLabels } from '../src/snapshot/watch/pod-fields.ts';
import { setStage, type RunningMic, type Stage } from './stage.ts';

/** The API server sets these; by the others it finds the object. */
const isPlace = ({ path }: ObjectField) =>
  /^(?:apiVersion|kind|metadata\.(?:name|namespace|resourceVersion|generation|\w+Timestamp|labels\.nodename))$/.test(
    path.join('.'),
  );
const isCopy = ({ path }: ObjectField) =>
  path.includes('azureIdentityRef') || path.includes('azureBindingRef');
const { AzureIdentity, AzureIdentityBinding, AzureAssignedIdentity } = fieldLimits;
const watched = { AzureIdentity, AzureIdentityBinding, AzureAssignedIdentity };
const all = Object.entries({ ...watched, Pod: podFieldsWithLabels, Namespace: namespaceFields })
  .flatMap(([kind, fields]) => objectFields(kind, fields))
  .filter((field) => !isPlace(field) && !isCopy(field));
/** MIC decides nothing by AzureAssignedIdentities. */
const isDecisive = ({ kind }: ObjectField) => kind !== 'AzureAssignedIdentity';
const titleOf = ({ kind, path }: ObjectField) => `${kind}.${path.join('.')}`;

const valid: Readonly<Record<string, object>> = {
  AzureIdentity: { spec: { type: 0, resourceID: 'r', clientID: 'c' } },
  AzureIdentityBinding: { spec: { azureIdentity: 'a', selector: 's' } },
  AzureAssignedIdentity: {
    spec: { pod: 'p', podNamespace: 'n', nodename: 'node', azureIdentityRef: {}, azureBindingRef: {} },
    status: { status: 'Created', availableReplicas: 1 },
  },
  Pod: { spec: { nodeName: 'node' } },
  Namespace: {},
};

let stage: Stage;
let mic: RunningMic;
const namespaceOf = (field: ObjectField) => `hostile-${all.indexOf(field)}`;

/** Stored unchanged: the original's schemas, and those before Kubernetes 1.16, allow any value. */
const write = (field: ObjectField, name: string, bytes: number) => {
  const { kind } = field;
  const isCluster = kind === 'Namespace';
  const named = {
    apiVersion: kind in watched ? apiVersion : 'v1',
    kind,
    ...valid[kind],
    metadata: {
      name: isCluster ? `${namespaceOf(field)}-${name}` : name,
      ...(!isCluster && { namespace: namespaceOf(field) }),
      uid: `${namespaceOf(field)}-${name}`,
      labels: { [bindingLabel]: 's' },
    },
  };
  stage.sim.kube.seed([withField(named, field, bytes) as unknown as KubeObject]);
};

beforeAll(async () => {
  const namespaces = all.filter(({ kind }) => kind !== 'Namespace').map(namespaceOf);
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces });
  for (const field of all) {
    // MIC reads all labels of pods only where a binding has a podSelector.
    if (field.path.at(-1) === 'labels' && field.kind === 'Pod')
      stage.sim.kube.seed([
        {
          apiVersion,
          kind: 'AzureIdentityBinding',
          metadata: { name: 'selector', namespace: namespaceOf(field) },
          spec: { azureIdentity: 'a', podSelector: { matchLabels: { app: 'a' } } },
        },
      ]);
    write(field, 'at-limit', field.upTo);
    write(field, 'over-limit', field.upTo + 1);
  }
  await stage.town.identity({ name: 'victim' });
  await stage.town.binding({ name: 'victim', identity: 'victim', selector: 'victim' });
  mic = await stage.startMic();
});
afterAll(() => stage.close());

let served = 0;
it.each(all.map((field) => [titleOf(field), field] as const))(
  'the field %s at its limit in one namespace: a pod of another one gets its identity as before',
  async (_title, field) => {
    served += 1;
    const name = `victim-${served}`;
    await stage.town.pod({ name, label: 'victim' });
    await stage.until(
      () => stage.states().includes(`${name}-default-victim: Assigned`),
      `the identity of ${name}`,
    );
    const key = `${namespaceOf(field)}${field.kind === 'Namespace' ? '-' : '/'}over-limit`;
    expect(
      mic.lines.filter(
        (line) =>
          line.includes(key) && line.includes(`field=${field.path.join('.')} maxBytes=${field.upTo} `),
      ),
    ).toHaveLength(isDecisive(field) ? 1 : 0);
    expect(
      mic.lines.filter((line) => line.includes(key.replace('over', 'at')) && line.includes('maxBytes')),
    ).toEqual([]);
  },
);
