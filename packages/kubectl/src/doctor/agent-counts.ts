/** Of NMI's metrics; docs/reference/metrics.md has their meanings. */
export interface AgentCounts {
  readonly tokens: number;
  /** For pods that may have one. */
  readonly failed: number;
  /** The API server did not confirm the pod or its right, or did not answer in time; or the pod was deleted meanwhile. */
  readonly unconfirmed: number;
  /** Of the watch from which NMI has heard nothing for longest. */
  readonly silentSeconds: number;
  /** Sockets of other programs at NMI's port. */
  readonly foreignListeners: number;
}

const sample = /^(aadpodidentity_nmi_\w+(?:\{(?:outcome|kind)="[\w-]+"\})?) ([-+.\de]+)$/;
const prefix = 'aadpodidentity_nmi_';
const outcome = (name: string) => `${prefix}outcomes_total{outcome="${name}"}`;

/** Of the text format of Prometheus; undefined if it is none of NMI. */
export function countsIn(text: string): AgentCounts | undefined {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, number] = sample.exec(line) ?? [];
    if (name !== undefined && Number.isFinite(Number(number))) values.set(name, Number(number));
  }
  const tokens = values.get(outcome('token'));
  if (tokens === undefined) return undefined;
  const count = (name: string) => values.get(outcome(name)) ?? 0;
  const ages = Array.from(values, ([name, age]) =>
    name.startsWith(`${prefix}watch_age_seconds{`) ? age : 0,
  );
  return {
    tokens,
    failed: count('token-failed'),
    unconfirmed: count('unconfirmed') + count('access-unanswered'),
    silentSeconds: ages.reduce((most, age) => Math.max(most, age), 0),
    foreignListeners: values.get(`${prefix}foreign_listeners`) ?? 0,
  };
}

/** What was counted in between; NMI may have started again. */
export function countedSince(before: AgentCounts, after: AgentCounts): AgentCounts {
  const since = (key: 'tokens' | 'failed' | 'unconfirmed') => Math.max(0, after[key] - before[key]);
  return { ...after, tokens: since('tokens'), failed: since('failed'), unconfirmed: since('unconfirmed') };
}
