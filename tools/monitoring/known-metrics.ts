// Which metrics and labels exist: those that the services declare, those of Node.js, `up`, and three of kube-state-metrics. Expressions are
// compared with them, so that an alert or a panel never waits for a metric that nobody serves.
import type { MetricSpec } from '@pod-identity/kit/core';
import { createMetrics } from '@pod-identity/kit/serve';
import { micMetrics } from '../../packages/mic/src/tell/metrics.ts';
import { brokerMetrics } from '../../packages/nmi/src/broker-service/reports.ts';
import { metricSpecs as nmiMetrics } from '../../packages/nmi/src/tell/metrics.ts';

/** By series name, the closed sets of its labels. */
export type KnownMetrics = ReadonlyMap<string, Readonly<Record<string, ReadonlySet<string>>>>;

/** Labels that Prometheus adds to every series when it scrapes. */
const scraped = new Set(['job', 'instance', 'node', 'namespace', 'pod', 'le']);

/** Of kube-state-metrics, which sees nodes without a pod of NMI: no target of a scrape exists there. */
const ofDaemonSets = ['desired_number_scheduled', 'number_ready', 'updated_number_scheduled'].map(
  (field) => [`kube_daemonset_status_${field}`, { daemonset: new Set(['nmi']) }] as const,
);

export async function knownMetrics(): Promise<KnownMetrics> {
  const known = new Map<string, Record<string, Set<string>>>([['up', {}], ...ofDaemonSets]);
  const declared = [nmiMetrics, micMetrics, brokerMetrics].flatMap((specs): MetricSpec[] =>
    Object.values(specs),
  );
  for (const spec of declared)
    for (const name of seriesOf(spec)) {
      const labels = known.get(name) ?? {};
      for (const [label, values] of Object.entries(spec.labels ?? {}))
        labels[label] = new Set([...(labels[label] ?? []), ...values]);
      known.set(name, labels);
    }
  for (const [, name = ''] of (await createMetrics({}).text()).matchAll(/^(\w+)[ {]/gm))
    if (!known.has(name)) known.set(name, {});
  return known;
}

function seriesOf({ kind, name }: MetricSpec): readonly string[] {
  return kind === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
}

/** A sentence for each metric, label or label value of an expression that does not exist. */
export function unknownIn(expr: string, known: KnownMetrics): string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  const names = [...bare.matchAll(/\b(?:up|(?:aadpodidentity|process|nodejs|kube)_\w+)\b/g)].map(
    ([name]) => name,
  );
  const missing = names.filter((name) => !known.has(name)).map((name) => `there is no metric ${name}`);
  if (names.length === 0) missing.push(`no metric in: ${expr}`);
  const selectors = expr.matchAll(/\b([a-z]\w+)\{([^}]*)\}/g);
  return [
    ...missing,
    ...[...selectors].flatMap(([, name = '', body = '']) => wrongMatchers(name, body, known)),
  ];
}

function wrongMatchers(name: string, body: string, known: KnownMetrics): string[] {
  const labels = known.get(name);
  if (labels === undefined) return [];
  return [...body.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].flatMap(([, label = '', , value = '']) => {
    if (scraped.has(label) || value.startsWith('$')) return [];
    const values = labels[label];
    if (values === undefined) return [`${name} has no label ${label}`];
    return value
      .split('|')
      .filter((one) => !values.has(one))
      .map((one) => `${label} of ${name} is never ${one}`);
  });
}
