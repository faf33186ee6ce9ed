// Everything that Prometheus is to read, read by its own tool. Rules are played against series of each alert's cases.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { inDeploy } from '../stage/places.ts';
import type { Series } from './case.ts';
import { cases, healthy } from './cases.ts';
import { rows } from './panels.ts';
import { promtool } from './promtool.ts';

const why = whyNoPrograms({ programs: ['promtool'] });
if (why !== undefined) console.log(`skipped: the rules against promtool (${why})`);

const read = (name: string) => readFileSync(inDeploy(`monitoring/${name}`), 'utf8');
const rules = read('rules.yaml');
const good = { code: 0, output: expect.not.stringContaining('FAILED') as string };

const inputOf = (series: Series) =>
  Object.entries({ ...healthy, ...series }).map(([series, values]) => ({ series, values }));

interface World {
  readonly series: Series;
  readonly firing: readonly string[];
}

/** A test of promtool: which alerts fire in a world after 90 minutes. */
const playOf = ({ series, firing }: World) => ({
  name: firing.join(', '),
  interval: '1m',
  input_series: inputOf(series),
  promql_expr_test: [
    {
      expr: 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
      eval_time: '90m',
      exp_samples: firing.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
    },
  ],
});

const metricsOf = (series: Series) => new Set(Object.keys(series).map((key) => key.replace(/\{.*/, '')));
const isOfHealthy = (metric: string) => metricsOf(healthy).has(metric);

/** As few worlds as possible: cases share one unless they have a metric in common, or change what is true of a healthy cluster. */
function shared(worlds: readonly World[]): readonly World[] {
  const merged: World[] = [];
  for (const { series, firing } of worlds) {
    const metrics = [...metricsOf(series)];
    const place = metrics.some(isOfHealthy)
      ? -1
      : merged.findIndex(({ series: other }) => {
          const taken = metricsOf(other);
          return ![...taken].some(isOfHealthy) && !metrics.some((metric) => taken.has(metric));
        });
    const before = merged[place];
    if (!before) merged.push({ series, firing });
    else merged[place] = { series: { ...before.series, ...series }, firing: [...before.firing, ...firing] };
  }
  return merged;
}

/** Plays worlds through the rules of deploy/monitoring; every 5 minutes, since evaluations take the time. */
const play = (tests: readonly object[]) =>
  promtool(['test', 'rules', 'test.yaml'], {
    'rules.yaml': rules,
    'test.yaml': JSON.stringify({ rule_files: ['rules.yaml'], evaluation_interval: '5m', tests }),
  });

describe.skipIf(why !== undefined)('with promtool', () => {
  it('the rules are valid', async () => {
    expect(await promtool(['check', 'rules', 'rules.yaml'], { 'rules.yaml': rules })).toEqual(good);
  });

  it('the PrometheusRule has the same rules', () => {
    const [plain, object] = [rules, read('prometheus-rule.yaml')].map(
      (text) => parseAllDocuments(text)[0]?.toJS() as { groups?: unknown; spec?: { groups: unknown } },
    );
    expect(object?.spec?.groups).toEqual(plain?.groups);
  });

  it('each alert fires when it must and no other does, and none fires in a healthy cluster', async () => {
    const all = Object.entries(cases);
    const fires = all.flatMap(([name, { fires }]) =>
      [fires].flat().map((series) => ({ series, firing: [name] })),
    );
    const quiet = all.flatMap(([, { quiet }]) => [quiet].flat().map((series) => ({ series, firing: [] })));
    const worlds = [{ series: {}, firing: [] }, ...shared(fires), ...shared(quiet)];
    expect(await play(worlds.map(playOf))).toEqual(good);
  });

  it('the annotations of an alert say what happened where', async () => {
    const alert = {
      exp_labels: { severity: 'critical', instance: 'n1', outcome: 'outdated' },
      exp_annotations: {
        summary: 'NMI on n1 refuses pods because of the API server (outdated).',
        description: '0.20 requests a second get 503: the API server does not confirm whose they are.',
        runbook: 'docs/administrator/runbooks/nmi.md#podidentitycallersunconfirmed',
      },
    };
    const alertname = 'PodIdentityCallersUnconfirmed';
    const test = {
      interval: '1m',
      input_series: inputOf([cases[alertname]?.fires ?? {}].flat()[0] ?? {}),
      alert_rule_test: [{ alertname, eval_time: '90m', exp_alerts: [alert] }],
    };
    expect(await play([test])).toEqual(good);
  });

  it('the sample configuration of Prometheus is valid', async () => {
    expect(
      await promtool(['check', 'config', '--syntax-only', 'prometheus.yaml'], {
        'prometheus.yaml': read('scrape-config.yaml'),
      }),
    ).toEqual(good);
  });

  it('each query of the dashboard is PromQL', async () => {
    const exprs = rows
      .flatMap(({ panels }) => panels)
      .flatMap(({ queries }) => queries.map(({ expr }) => expr));
    const recorded = exprs.map((expr, index) => ({
      record: `panel:query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '2m').replaceAll('$instance', '.*'),
    }));
    const file = JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] });
    expect(await promtool(['check', 'rules', 'panels.yaml'], { 'panels.yaml': file })).toEqual(good);
  });
});
