// Updates to an NMI that never works, and the account that one of them runs as.
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import * as scene from './scene.ts';
import type { ClusterStage } from './stage.ts';

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
}

const agent = { name: 'nmi', image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0' };

/** Starts the agent from another program. */
export const startedBy = (program: string): object => ({
  ...agent,
  command: ['/usr/bin/node', '-e', `process.argv.splice(1, 0, '/app/nmi.js'); ${program}`, '--'],
});

const withoutReviews = 'nmi-without-reviews';
const mode = '--identity-access=';
const asAccount = (name: string) => ({ serviceAccountName: name, serviceAccount: name });

/** Strategic merge patches of the pods of NMI, made from the arguments of its container. */
export const broken: Readonly<Record<string, (args: readonly string[]) => object>> = {
  'whose API server does not answer': () => ({
    containers: [{ ...agent, env: [{ name: 'KUBERNETES_SERVICE_HOST', value: '10.40.0.99' }] }],
  }),
  'whose account has no right': () => asAccount('default'),
  // Only the mode rbac asks for rights of pods.
  'whose account may not ask for rights of pods': (args) => ({
    ...asAccount(withoutReviews),
    containers: [{ ...agent, args: [...args.filter((arg) => !arg.startsWith(mode)), `${mode}rbac`] }],
  }),
  'that ends when it starts': () => ({ containers: [startedBy('process.exit(1)')] }),
};

const nmi = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: names.systemNamespace, name: 'nmi' };

/** Updates the pods of NMI. */
export async function updateNmi(
  stage: ClusterStage,
  specOf: (args: readonly string[]) => object,
): Promise<void> {
  const { spec } = (await stage.kube.request({ method: 'GET', path: pathOf(nmi) })) as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
  };
  const { args = [] } = spec.template.spec.containers.find(({ name }) => name === agent.name) ?? {};
  const patch = JSON.stringify({ spec: { template: { spec: specOf(args) } } });
  await stage.kubectl('patch', '--namespace', names.systemNamespace, 'daemonset/nmi', `--patch=${patch}`);
}

const agents = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
const isAgent = ({ metadata }: KubeObject) => metadata.labels?.['component'] === 'nmi';

export const revisionOf = ({ metadata }: KubeObject): string =>
  metadata.labels?.['controller-revision-hash'] ?? '';

export const isReady = (pod: KubeObject): boolean =>
  scene.statusOf(pod).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** The pods of NMI. */
export async function agentsOf(stage: ClusterStage): Promise<readonly KubeObject[]> {
  const { items } = (await stage.kube.request({ method: 'GET', path: agents })) as {
    readonly items: readonly KubeObject[];
  };
  return items.filter(isAgent);
}

type Fits = (pod: KubeObject) => boolean;
const agentThat = (fits: Fits) => ({
  path: agents,
  fits: (pod: KubeObject) => isAgent(pod) && fits(pod),
  withinMs: scene.patienceMs,
});

/** The first pod of NMI that fits. */
export const untilAgent = (stage: ClusterStage, fits: Fits): Promise<KubeObject> =>
  untilObject(stage.kube, agentThat(fits));

/** Resolves when no pod of NMI fits. */
export const untilNoAgent = (stage: ClusterStage, fits: Fits): Promise<void> =>
  untilNone(stage.kube, agentThat(fits));

/** The account of the update that may not ask for rights. */
export async function createAccountWithoutReviews(stage: ClusterStage): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const ours = { apiVersion, kind: 'ClusterRole', name: 'pod-identity-nmi' };
  const { rules } = (await stage.kube.request({ method: 'GET', path: pathOf(ours) })) as {
    readonly rules: readonly { readonly resources: readonly string[] }[];
  };
  const subject = { name: withoutReviews, namespace: names.systemNamespace };
  await stage.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: subject });
  await stage.create({
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: withoutReviews },
    rules: rules.filter(({ resources }) => !resources.includes('subjectaccessreviews')),
  });
  await stage.create({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: withoutReviews },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: withoutReviews },
    subjects: [{ kind: 'ServiceAccount', ...subject }],
  });
}
