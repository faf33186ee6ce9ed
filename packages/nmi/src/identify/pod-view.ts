// The identify room: which pod is behind an address. No guesses: an address with two live pods belongs to neither.
// It must not know identities, tokens or HTTP.
import { defaultIdentityAnnotation } from '@pod-identity/crd-types';
import { tooLargeIn, type Fields } from '@pod-identity/kit/kube';

/** The part of a pod that decisions need. Never changed: a change of the pod is another view. */
export interface PodView {
  readonly uid: string;
  /** `namespace/name`, for stores and people. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  /** Its own addresses; empty for a pod that shares the node's (hostNetwork): such a pod cannot be told from the node. */
  readonly addresses: readonly string[];
  readonly isOnHostNetwork?: true;
  /** When its kubelet last said that a container was started: milliseconds since the epoch. */
  readonly startedAt?: number;
  /** When its kubelet took it up, by the node's own clock. Restarts of containers do not change it. */
  readonly acceptedAt?: number;
  readonly phase: string;
  /** Marked for deletion; it may still be running its last seconds. */
  readonly isEnding: boolean;
  /** When the grace of a pod that ends is over: milliseconds since the epoch. */
  readonly endsAt?: number;
  /** It ends, and its kubelet has said that none of its containers lives any more. */
  readonly isStopped?: true;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The AzureIdentity meant when a request names none and the pod has several. */
  readonly defaultIdentity?: string;
  /** Resources that it wants tokens to be ready for. */
  readonly prefetch?: readonly string[];
  /** What was not read of it, being larger than anything that is meant: its rights cannot be told. */
  readonly tooLarge?: string;
}

/** Lists resources, separated by commas. */
const prefetchAnnotation = 'aadpodidentity.k8s.io/prefetch';
const mostPrefetched = 8;

const word: Fields = { upTo: 1024 };
/** Of 40 containers or more. */
const containers: Fields = { upTo: 32 * 1024 };

/** What is read of a pod. */
export const podFields: Fields = {
  members: {
    metadata: {
      members: {
        name: word,
        namespace: word,
        uid: word,
        resourceVersion: word,
        creationTimestamp: word,
        deletionTimestamp: word,
        labels: { upTo: 16 * 1024 },
        annotations: {
          members: { [defaultIdentityAnnotation]: word, [prefetchAnnotation]: { upTo: 4 * 1024 } },
        },
      },
    },
    spec: { members: { nodeName: word, hostNetwork: word, serviceAccountName: word } },
    status: {
      members: {
        phase: word,
        podIP: word,
        podIPs: { upTo: 4 * 1024 },
        startTime: word,
        initContainerStatuses: containers,
        containerStatuses: containers,
        ephemeralContainerStatuses: containers,
      },
    },
  },
};

/** Trims what the API server sent. Undefined for something without a uid: no pod. */
export function parsePod(object: unknown): PodView | undefined {
  const { metadata, spec = {}, status = {} } = (object ?? {}) as PodShape;
  const named = metadata && readMetadata(metadata);
  if (!named) return undefined;
  const left = tooLargeIn(object);
  const isTold = !left.some(({ path }) => path.startsWith('status.'));
  const stopped = named.isEnding && isTold && hasStopped(status) ? { isStopped: true as const } : {};
  return {
    ...named,
    ...readSpec(spec),
    ...readStatus(status, spec, isTold),
    ...stopped,
    ...readTooLarge(left),
  };
}

/** A prefetch that is too large is none; all else of the metadata decides on rights. */
function readTooLarge(left: ReturnType<typeof tooLargeIn>): Pick<PodView, 'tooLarge'> {
  const decisive = left.find(
    ({ path }) => path.startsWith('metadata.') && !path.endsWith(prefetchAnnotation),
  );
  return decisive ? { tooLarge: `${decisive.path} has more than ${decisive.upTo} bytes` } : {};
}

/**
 * What is true of a pod on a machine that was started then. All networks of pods were made again since: an address that was
 * reported before may be another pod's.
 */
export function sinceBoot(pod: PodView, bootedAt: number | undefined): PodView {
  const { startedAt = Infinity } = pod;
  return bootedAt === undefined || startedAt >= bootedAt ? pod : { ...pod, addresses: [] };
}

interface PodShape {
  readonly metadata?: MetadataShape;
  readonly spec?: SpecShape;
  readonly status?: StatusShape;
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
}

interface StatusShape {
  readonly phase?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip?: string }[];
  readonly startTime?: string;
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

function readMetadata({ uid, namespace, name, deletionTimestamp, labels = {}, annotations }: MetadataShape) {
  if (!uid || !namespace || !name) return undefined;
  const defaultIdentity = annotations?.[defaultIdentityAnnotation];
  const endsAt = Date.parse(deletionTimestamp ?? '');
  return {
    uid,
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels,
    isEnding: deletionTimestamp !== undefined,
    ...(Number.isNaN(endsAt) ? {} : { endsAt }),
    ...(defaultIdentity ? { defaultIdentity } : {}),
    ...readPrefetch(annotations?.[prefetchAnnotation]),
  };
}

function readPrefetch(text = ''): Pick<PodView, 'prefetch'> {
  const listed = text.split(',').map((one) => one.trim().replace(/\/\.default$/, ''));
  const resources = [...new Set(listed.filter((one) => one !== ''))].slice(0, mostPrefetched);
  return resources.length === 0 ? {} : { prefetch: resources };
}

function readSpec({ nodeName = '', serviceAccountName: serviceAccount = '' }: SpecShape) {
  return { nodeName, serviceAccount };
}

function readStatus(status: StatusShape, { hostNetwork }: SpecShape, isTold: boolean) {
  const { phase = '', podIP, podIPs = [] } = status;
  const all = [podIP, ...podIPs.map(({ ip }) => ip)].flatMap((ip) => (ip ? [ip.toLowerCase()] : []));
  const accepted = { phase, ...readAccepted(status) };
  if (hostNetwork === true) return { ...accepted, addresses: [], isOnHostNetwork: true as const };
  return { ...accepted, addresses: [...new Set(all)], ...lastStart(status, isTold) };
}

function readAccepted({ startTime = '' }: StatusShape): Pick<PodView, 'acceptedAt'> {
  const acceptedAt = Date.parse(startTime);
  return Number.isNaN(acceptedAt) ? {} : { acceptedAt };
}

/** By the node's own clock. Undefined when nothing is said of any container, and not because it was too much. */
function lastStart(status: StatusShape, isTold: boolean): Pick<PodView, 'startedAt'> {
  const containers = containersOf(status);
  const times = containers.flatMap(({ state, lastState }) =>
    [state?.running, state?.terminated, lastState?.terminated].map((each) => each?.startedAt),
  );
  // A container that waits has no time: then it counts when the kubelet took up the pod.
  const known = [status.startTime, ...times].map((time = '') => Date.parse(time)).filter((time) => time > 0);
  return (containers.length === 0 && isTold) || known.length === 0 ? {} : { startedAt: Math.max(...known) };
}

function containersOf(status: StatusShape): readonly ContainerShape[] {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
}

/** Said of containers, one by one: a pod whose kubelet has not spoken of any may be alive. */
function hasStopped(status: StatusShape): boolean {
  const { containerStatuses = [] } = status;
  const all = containersOf(status);
  return containerStatuses.length > 0 && all.every(({ state }) => state?.terminated !== undefined);
}
