import { defaultIdentityAnnotation, type Labels } from '@pod-identity/crd-types';
import { withPackedLabels } from './packed-labels.ts';

/** The part of a pod that decisions need. Immutable: a changed pod is a new view. */
export interface PodView {
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  /**
   * In lower case; empty for a pod on the host network, which cannot be distinguished from the node, and while its kubelet reports that
   * it has no network, or (before 1.29) no running container: the status may still have the addresses of its last sandbox, which may belong
   * to another pod.
   */
  readonly addresses: readonly string[];
  readonly isOnHostNetwork?: true;
  /**
   * The kernel shows its containers differently or not at all: another runtime class may run them in a virtual machine, and the groups of a
   * static pod have another uid.
   */
  readonly isOpaque?: true;
  /** All of its containers see each other's processes. */
  readonly sharesProcesses?: true;
  /** The latest start of a container that its kubelet reported: milliseconds since the epoch. */
  readonly startedAt?: number;
  /** When its kubelet accepted it, by the node's clock. Restarts of containers do not change it. */
  readonly acceptedAt?: number;
  readonly phase: string;
  /** It has a deletionTimestamp; its containers may still run. */
  readonly isEnding: boolean;
  /** When the grace period of a terminating pod ends: milliseconds since the epoch. */
  readonly endsAt?: number;
  /** It is terminating, and its kubelet reported that all its containers have stopped. */
  readonly isStopped?: true;
  /** Parsed at each read. */
  readonly labels: Labels;
  readonly serviceAccount: string;
  /** The AzureIdentity to use if a request names none and the pod has several. */
  readonly defaultIdentity?: string;
  /** The part that is too large: without it the pod's rights are not known. */
  readonly tooLarge?: string;
}

/** In characters of JSON: more labels are not kept, and would take the time of every decision. */
const longest = { labels: 16 * 1024, annotation: 1024 };

/** Of the object that shows a static pod. */
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** With it older versions of containerd run a pod in a virtual machine. */
const untrustedAnnotation = 'io.kubernetes.cri.untrusted-workload';

/**
 * Selects the pods of a node that have not finished. A finished pod has no address and gets no token, and 12,500 of them can stay on a node. On
 * the watch, a pod that finishes is deleted.
 */
export const unfinishedOn = (node: string) =>
  `spec.nodeName=${node},status.phase!=Succeeded,status.phase!=Failed`;

/** Undefined for an object without uid, namespace or name. */
export function parsePod(object: unknown): PodView | undefined {
  const {
    metadata,
    spec = {},
    status = {},
  } = (object ?? {}) as {
    readonly metadata?: MetadataShape;
    readonly spec?: SpecShape;
    readonly status?: StatusShape;
  };
  const named = metadata && readMetadata(metadata);
  if (!named) return undefined;
  const stopped = named.isEnding && hasStopped(status) ? { isStopped: true as const } : {};
  const view = {
    ...named,
    ...readSpec(spec),
    ...readStatus(status, spec),
    ...stopped,
    ...readOpaque(metadata, spec),
    ...readTooLarge(metadata),
  };
  return withPackedLabels(view, 'tooLarge' in view ? {} : (metadata.labels ?? {}));
}

/** Everything in the metadata affects rights. */
function readTooLarge({ labels = {}, annotations }: MetadataShape): Pick<PodView, 'tooLarge'> {
  if (JSON.stringify(labels).length > longest.labels)
    return { tooLarge: `metadata.labels has more than ${longest.labels} characters` };
  const path = `metadata.annotations.${defaultIdentityAnnotation}`;
  return (annotations?.[defaultIdentityAnnotation]?.length ?? 0) > longest.annotation
    ? { tooLarge: `${path} has more than ${longest.annotation} characters` }
    : {};
}

/**
 * The pod without its addresses if they were reported before the machine was started: the pod network was built again since then,
 * and they may belong to other pods.
 */
export function sinceBoot(pod: PodView, bootedAt: number | undefined): PodView {
  const { startedAt = Infinity } = pod;
  if (bootedAt === undefined || startedAt >= bootedAt) return pod;
  const { labels, ...others } = pod;
  return withPackedLabels({ ...others, addresses: [] }, labels);
}

interface MetadataShape {
  readonly uid?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface SpecShape {
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly runtimeClassName?: string;
  readonly shareProcessNamespace?: boolean;
}

interface StatusShape {
  readonly phase?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip?: string }[];
  readonly startTime?: string;
  readonly conditions?: readonly {
    readonly type?: string;
    readonly status?: string;
  }[];
  readonly initContainerStatuses?: readonly ContainerShape[];
  readonly containerStatuses?: readonly ContainerShape[];
  readonly ephemeralContainerStatuses?: readonly ContainerShape[];
}

interface ContainerShape {
  readonly state?: StateShape;
  readonly lastState?: StateShape;
}

interface StateShape {
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: { readonly startedAt?: string };
}

function readMetadata({ uid, namespace, name, deletionTimestamp, annotations }: MetadataShape) {
  if (!uid || !namespace || !name) return undefined;
  const named = annotations?.[defaultIdentityAnnotation] ?? '';
  const defaultIdentity = named.length > longest.annotation ? '' : named;
  const endsAt = Date.parse(deletionTimestamp ?? '');
  return {
    uid,
    key: `${namespace}/${name}`,
    namespace,
    name,
    isEnding: deletionTimestamp !== undefined,
    ...(Number.isNaN(endsAt) ? {} : { endsAt }),
    ...(defaultIdentity ? { defaultIdentity } : {}),
  };
}

function readSpec({ nodeName = '', serviceAccountName: serviceAccount = '', ...others }: SpecShape) {
  return {
    nodeName,
    serviceAccount,
    ...(others.shareProcessNamespace === true ? { sharesProcesses: true as const } : {}),
  };
}

function readOpaque(
  { annotations }: MetadataShape,
  { runtimeClassName }: SpecShape,
): Pick<PodView, 'isOpaque'> {
  const isOpaque =
    runtimeClassName !== undefined ||
    annotations?.[mirrorAnnotation] !== undefined ||
    annotations?.[untrustedAnnotation] === 'true';
  return isOpaque ? { isOpaque } : {};
}

function readStatus(status: StatusShape, { hostNetwork }: SpecShape) {
  const { phase = '', podIP, podIPs = [] } = status;
  const reported = mayLackNetwork(status) ? [] : [podIP, ...podIPs.map(({ ip }) => ip)];
  const all = reported.flatMap((ip) => (ip ? [ip.toLowerCase()] : []));
  const accepted = { phase, ...readAccepted(status) };
  if (hostNetwork === true) return { ...accepted, addresses: [], isOnHostNetwork: true as const };
  return { ...accepted, addresses: [...new Set(all)], ...lastStart(status) };
}

/**
 * Whether the reported addresses may be those of a sandbox that is gone: kubelets report them until there are new ones. Since 1.29 they report a
 * condition. Earlier ones report that no container runs, as they also do between the end of a container and its next start.
 */
function mayLackNetwork(status: StatusShape): boolean {
  const network = status.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status;
  if (network !== undefined) return network === 'False';
  const containers = containersOf(status);
  return containers.length > 0 && !containers.some(({ state }) => state?.running !== undefined);
}

function readAccepted({ startTime = '' }: StatusShape): Pick<PodView, 'acceptedAt'> {
  const acceptedAt = Date.parse(startTime);
  return Number.isNaN(acceptedAt) ? {} : { acceptedAt };
}

/** By the node's clock. Absent if no container was reported. */
function lastStart(status: StatusShape): Pick<PodView, 'startedAt'> {
  const containers = containersOf(status);
  const times = containers.flatMap(({ state, lastState }) =>
    [state?.running, state?.terminated, lastState?.terminated].map((each) => each?.startedAt),
  );
  // A waiting container has no start time; the pod's own counts then.
  const known = [status.startTime, ...times].map((time = '') => Date.parse(time)).filter((time) => time > 0);
  return containers.length === 0 || known.length === 0 ? {} : { startedAt: Math.max(...known) };
}

function containersOf(status: StatusShape): readonly ContainerShape[] {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
}

/** Only if each container is reported as terminated: a pod without reported containers may be running. */
function hasStopped(status: StatusShape): boolean {
  const { containerStatuses = [] } = status;
  const all = containersOf(status);
  return containerStatuses.length > 0 && all.every(({ state }) => state?.terminated !== undefined);
}
