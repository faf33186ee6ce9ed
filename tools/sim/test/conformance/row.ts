import type { Door } from './door.ts';

export type Flavour = 'v1.20' | 'v1.36';

/** What a row works with: a namespace of its own, and the test kinds. */
export interface Stage {
  readonly door: Door;
  /** Fresh, and empty. */
  readonly namespace: string;
  /** `/api/v1/namespaces/NAMESPACE` */
  readonly core: string;
  /** `/apis/sim.example.com/v1/namespaces/NAMESPACE` */
  readonly custom: string;
  /** The duration of a watch in which the server sends a bookmark. */
  readonly patienceSeconds: number;
}

/** A statement about the API, and its public documentation. */
export interface Row {
  readonly sentence: string;
  readonly source: string;
  /** Real servers that differ, and why. */
  readonly unlike?: Partial<Record<Flavour, string>>;
  readonly check: (stage: Stage) => Promise<void>;
}

const docs = 'https://kubernetes.io/docs';
/** The address of the documentation. */
export const sources = {
  concepts: `${docs}/reference/using-api/api-concepts/`,
  conventions:
    'https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md',
  crd: `${docs}/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/`,
  labels: `${docs}/concepts/overview/working-with-objects/labels/`,
  fields: `${docs}/concepts/overview/working-with-objects/field-selectors/`,
  names: `${docs}/concepts/overview/working-with-objects/names/`,
  finalizers: `${docs}/concepts/overview/working-with-objects/finalizers/`,
  garbage: `${docs}/concepts/architecture/garbage-collection/`,
  patch: `${docs}/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/`,
  termination: `${docs}/concepts/workloads/pods/pod-lifecycle/#pod-termination`,
  authorization: `${docs}/reference/access-authn-authz/authorization/`,
  rbac: `${docs}/reference/access-authn-authz/rbac/`,
  reviews: `${docs}/reference/kubernetes-api/authorization-resources/subject-access-review-v1/`,
  accounts: `${docs}/tasks/configure-pod-container/configure-service-account/`,
  tokens: `${docs}/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens`,
  staticPods: `${docs}/tasks/configure-pod-container/static-pod/`,
} as const;

const text = { type: 'string' };

/** Two kinds: `Widget` has a status subresource, `Gadget` has none. */
function definition(kind: 'Widget' | 'Gadget', subresources: object): object {
  const plural = `${kind.toLowerCase()}s`;
  const spec = {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'integer', minimum: 1, maximum: 9 },
      colour: { type: 'string', enum: ['red', 'blue'] },
      code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 5 },
      shape: { type: 'string', default: 'round' },
      tags: { type: 'array', maxItems: 2, items: text },
      notes: { type: 'object', additionalProperties: text },
      nothing: { type: 'string', nullable: true },
      free: {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { known: { type: 'object', properties: { a: text } } },
      },
      port: { 'x-kubernetes-int-or-string': true },
      copy: {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        properties: { spec: { type: 'object', properties: { a: text } } },
      },
    },
  };
  const status = { type: 'object', properties: { phase: text } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.sim.example.com` },
    spec: {
      group: 'sim.example.com',
      scope: 'Namespaced',
      names: { kind, plural, categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          ...subresources,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
          additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        },
      ],
    },
  };
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Creates the test kinds, and resolves when the server serves them. */
export async function defineKinds(door: Door): Promise<void> {
  await door.ask('POST', definitions, { body: definition('Widget', { subresources: { status: {} } }) });
  await door.ask('POST', definitions, { body: definition('Gadget', {}) });
  for (const plural of ['widgets', 'gadgets']) await untilServed(door, `/apis/sim.example.com/v1/${plural}`);
}

/** A real server serves a kind a moment after its condition Established, and sends no signal for that. */
export async function untilServed(door: Door, path: string): Promise<void> {
  const end = Date.now() + 20_000;
  while ((await door.ask('GET', path)).status !== 200) {
    if (Date.now() > end) throw new Error(`${path} is not served`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let made = 0;

export async function openStage(door: Door, patienceSeconds: number): Promise<Stage> {
  const namespace = `row-${(made += 1)}-${process.pid}`;
  await door.ask('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  return {
    door,
    namespace,
    patienceSeconds,
    core: `/api/v1/namespaces/${namespace}`,
    custom: `/apis/sim.example.com/v1/namespaces/${namespace}`,
  };
}

export const configMap = (name: string, more: object = {}, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  ...more,
});

export const widget = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'sim.example.com/v1',
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec: { size: 1, ...spec },
});

export const gadget = (name: string, more: object = {}): object => ({
  apiVersion: 'sim.example.com/v1',
  kind: 'Gadget',
  metadata: { name },
  spec: { size: 1 },
  ...more,
});

export const pod = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'main', image: 'local.test/app:1' }], ...spec },
});
