// What the broker decides by values alone: who requests, and for which pod.
import { claimsIn } from '../tokens/claims.ts';
import { brokerAudience, type BrokerRefusal, type BrokerRequest } from '../broker/wire.ts';

/** The ServiceAccount of NMI. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** An NMI, by the pod that its token is bound to. */
export interface Agent {
  readonly pod: string;
  readonly uid: string;
}

/** The fields of a pod that decisions need; empty texts if it lacks them. */
export interface PodFacts {
  readonly uid: string;
  readonly node: string;
  readonly account: string;
  readonly phase: string;
}

/** The pod that a token is for. */
export interface Placed {
  readonly node: string;
  /** Its ServiceAccount, in its namespace. */
  readonly account: string;
}

export const refused = (code: BrokerRefusal['code'], message: string): BrokerRefusal => ({
  kind: 'refusal',
  code,
  message,
});

export const unauthorized = refused(
  'unauthorized',
  'The token is not that of a running NMI of this cluster.',
);

function userOf({ namespace, name }: Account): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Whether the token claims to be NMI's. Anybody can write such claims: the check only spares the API server reviews of other tokens. */
export function claimsToBeAgent(token: string, { account, now }: { account: Account; now: number }): boolean {
  const { aud, sub, exp } = claimsIn(token);
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return (
    audiences.includes(brokerAudience) &&
    sub === userOf(account) &&
    typeof exp === 'number' &&
    exp * 1000 > now
  );
}

/** A TokenReview as the API server returns it. */
export interface Review {
  readonly status?: {
    readonly authenticated?: unknown;
    readonly audiences?: unknown;
    readonly user?: { readonly username?: unknown; readonly extra?: Readonly<Record<string, unknown>> };
  };
}

const podExtra = 'authentication.kubernetes.io/pod-name';
const uidExtra = 'authentication.kubernetes.io/pod-uid';

/** Undefined for a token that is not NMI's, or that is bound to no pod: such a token outlives its pod. */
export function agentIn({ status }: Review, account: Account): Agent | undefined {
  const { authenticated, audiences, user } = status ?? {};
  const isOurs = Array.isArray(audiences) && audiences.includes(brokerAudience);
  if (authenticated !== true || !isOurs || user?.username !== userOf(account)) return undefined;
  const [pod, uid] = [podExtra, uidExtra].map((name) => onlyText(user.extra?.[name]));
  return pod && uid ? { pod, uid } : undefined;
}

function onlyText(values: unknown): string {
  const [value, ...more] = Array.isArray(values) ? (values as unknown[]) : [];
  return typeof value === 'string' && more.length === 0 ? value : '';
}

interface Found {
  /** NMI's own pod, and the pod that a token is requested for; undefined if there is none of its name. */
  readonly own: PodFacts | undefined;
  readonly pod: PodFacts | undefined;
}

const finished: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

/** NMI gets tokens for pods of its own node only. */
export function locatePod(
  agent: Agent,
  { namespace, name, uid }: BrokerRequest['pod'],
  { own, pod }: Found,
): Placed | BrokerRefusal {
  if (own?.uid !== agent.uid || own.node === '') return unauthorized;
  const who = `Pod ${namespace}/${name}`;
  if (pod?.uid !== uid)
    return refused('pod_gone', `${who} is gone: there is none, or another one of this name.`);
  if (pod.node !== own.node) return refused('access_denied', `${who} is not on node ${own.node}.`);
  if (finished.has(pod.phase)) return refused('pod_gone', `${who} has ended.`);
  if (pod.account === '')
    return refused('access_denied', `${who} has no ServiceAccount, so it can have no right.`);
  return { node: pod.node, account: pod.account };
}
