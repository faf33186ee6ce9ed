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

export interface Connection {
  readonly kube: KubeTransport;
  /** Of the kubeconfig's context. */
  readonly namespace: string | undefined;
}

/** Within this time an API server has answered once, or is reported as away. */
const firstAnswerMs = 10_000;

export async function connect(
  { kubeconfig, as, asGroup, requestTimeoutMs, ...choice }: ConnectionOptions,
  { env, userAgent }: { readonly env: UserConnectOptions['proxyEnv']; readonly userAgent: string },
): Promise<Connection> {
  const { transport, namespace } = await connectUser({
    ...choice,
    ...(kubeconfig !== undefined && { kubeconfig }),
    proxyEnv: env,
    userAgent,
    headers: impersonation(as, asGroup),
  });
  return { kube: withFirstAnswer(transport, requestTimeoutMs), namespace };
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

/** Until the API server has answered once, each request waits for a short time only. */
function withFirstAnswer(transport: KubeTransport, requestTimeoutMs = Infinity): KubeTransport {
  let hasAnswered = false;
  const limited = (request: KubeRequest): KubeRequest => {
    const timeoutMs = Math.min(
      request.timeoutMs ?? Infinity,
      requestTimeoutMs,
      hasAnswered ? Infinity : firstAnswerMs,
    );
    return timeoutMs === Infinity ? request : { ...request, timeoutMs };
  };
  const answered = () => void (hasAnswered = true);
  return {
    ...transport,
    async request(request) {
      try {
        const response = await transport.request(limited(request));
        answered();
        return response;
      } catch (error) {
        if (error instanceof KubeError && error.status !== undefined) answered();
        throw error;
      }
    },
    watch: (request) =>
      transport.watch({
        ...limited(request),
        onOpen() {
          answered();
          request.onOpen?.();
        },
      }),
  };
}
