// The parts of Deployments and DaemonSets that checks of the manifests look at.
import type { KubeObject } from '../stage/objects.ts';

interface Probe {
  readonly exec?: { readonly command: readonly string[] };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
}
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly resources?: object;
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext?: {
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
}
export interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly securityContext?: object;
  readonly priorityClassName?: string;
  readonly affinity?: { readonly nodeAffinity?: unknown };
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}

/** Undefined for objects that create no pods. */
export const podSpecOf = (object: KubeObject): PodSpec | undefined =>
  (object['spec'] as { template?: { spec?: PodSpec } } | undefined)?.template?.spec;

export const containersOf = ({ initContainers = [], containers }: PodSpec): readonly Container[] => [
  ...initContainers,
  ...containers,
];
