// Room: the cluster as a user of kubectl reaches it: connection, lists that may be refused, and which services are installed.
// It must not write to the cluster, or take what it may not read for absent.
import {
  connectUser,
  KubeError,
  type KubeRequest,
  type KubeTransport,
  type UserConnectOptions,
} from '@pod-identity/kit/kube';

/** kubectl's options about the connection. */
export interface ConnectionOptions extends Pick<UserConnectOptions, 'context' | 'cluster' | 'user'> {
  readonly kubeconfig?: string | undefined;
  readonly as?: string | undefined;
  readonly asGroup?: readonly string[] | undefined;
  /** Of each request; undefined: no limit but that of the command. */
  readonly requestTimeoutMs?: number | undefined;
}

/** `namespace`: of the kubeconfig's context. */
export type Connection = Awaited<ReturnType<typeof connect>>;

/** Within this time an API server has responded once, or is reported as away: 10 s with the start of the program. */
const firstResponseMs = 9_000;

interface Surroundings extends Required<Pick<UserConnectOptions, 'userAgent' | 'clock'>> {
  readonly env: UserConnectOptions['proxyEnv'];
}

export async function connect(
  { kubeconfig, as, asGroup, requestTimeoutMs, ...choice }: ConnectionOptions,
  { env, userAgent, clock }: Surroundings,
) {
  const { transport, namespace } = await connectUser({
    ...choice,
    ...(kubeconfig !== undefined && { kubeconfig }),
    proxyEnv: env,
    userAgent,
    clock,
    headers: impersonation(as, asGroup),
  });
  return { kube: withFirstResponse(transport, requestTimeoutMs), namespace };
}

function impersonation(
  as: string | undefined,
  groups: readonly string[] = [],
): Record<string, string | readonly string[]> {
  return {
    ...(as !== undefined && { 'impersonate-user': as }),
    ...(groups.length > 0 && { 'impersonate-group': groups }),
  };
}

/** In words that name the server. */
export function describeFailure(server: string, { code, message }: KubeError): string {
  if (code === 'transport') return `the API server ${server} cannot be reached: ${message}`;
  if (code === 'unauthorized') return `the API server ${server} does not know you: ${message}`;
  return `the API server ${server}: ${message}`;
}

/** Until the API server has responded once, each request waits for a short time only. */
function withFirstResponse(transport: KubeTransport, requestTimeoutMs = Infinity): KubeTransport {
  let hasResponded = false;
  const limited = (request: KubeRequest): KubeRequest => {
    const timeoutMs = Math.min(
      request.timeoutMs ?? Infinity,
      requestTimeoutMs,
      hasResponded ? Infinity : firstResponseMs,
    );
    return timeoutMs === Infinity ? request : { ...request, timeoutMs };
  };
  const responded = () => void (hasResponded = true);
  return {
    ...transport,
    async request(request) {
      try {
        const response = await transport.request(limited(request));
        responded();
        return response;
      } catch (error) {
        if (error instanceof KubeError && error.status !== undefined) responded();
        throw error;
      }
    },
    async *text(request) {
      for await (const chunk of readText(transport, limited(request))) {
        responded();
        yield chunk;
      }
    },
    watch: (request) =>
      transport.watch({
        ...limited(request),
        onOpen() {
          responded();
          request.onOpen?.();
        },
      }),
  };
}

/** A response that is no JSON, as it arrives. */
export function readText(kube: KubeTransport, request: KubeRequest): AsyncIterable<Buffer> {
  if (kube.text === undefined) throw new TypeError('this transport reads no text');
  return kube.text(request);
}
