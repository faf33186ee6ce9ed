// The manifests' settings for the programs: for Node.js and its C library, and the memory.
import { readManifests } from './objects.ts';
import { inDeploy } from './places.ts';

export interface NodeSettings {
  readonly env: Readonly<Record<string, string>>;
  /** The container's memory limit. */
  readonly memoryMiB: number;
}

interface Workload {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}
interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly resources: { readonly limits: { readonly memory: string } };
}

const manifests = {
  mic: 'base/mic/deployment.yaml',
  nmi: 'base/nmi/daemonset.yaml',
  broker: 'components/broker/parts/deployment.yaml',
} as const;
const settings = /^(NODE_OPTIONS|MALLOC_\w+)$/;

export async function nodeSettings(program: keyof typeof manifests): Promise<NodeSettings> {
  const file = manifests[program];
  const [workload] = (await readManifests(inDeploy(file))) as object[] as Workload[];
  const [container] = workload?.spec.template.spec.containers ?? [];
  if (!container) throw new Error(`${file} has no container`);
  const memory = /^(\d+)Mi$/.exec(container.resources.limits.memory)?.[1];
  const env = container.env.flatMap(({ name, value }) =>
    settings.test(name) && value !== undefined ? [[name, value] as const] : [],
  );
  if (memory === undefined || env.length === 0)
    throw new Error(`${file} sets no memory limit in Mi, or no NODE_OPTIONS`);
  return { env: Object.fromEntries(env), memoryMiB: Number(memory) };
}
