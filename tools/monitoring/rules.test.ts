import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodeSettings } from '../stage/node-settings.ts';
import { inDeploy } from '../stage/places.ts';
import { queries, read, ruleGroups } from './files.ts';
import { knownMetrics, unknownIn, type KnownMetrics } from './known-metrics.ts';

let known: KnownMetrics;
beforeAll(async () => {
  known = await knownMetrics();
});
const rules = ruleGroups.flatMap((group) => group.rules);

describe('alerts', () => {
  it('have names of their own, and each has a world in which it fires and one in which it does not', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    const { tests } = parse(readFileSync(new URL('rules.test.yaml', import.meta.url), 'utf8')) as {
      tests: readonly { readonly name: string }[];
    };
    for (const start of ['fires: ', 'does not fire: ']) {
      const titles = tests.filter(({ name }) => name.startsWith(start));
      const named = titles.flatMap(({ name }) => name.slice(start.length).split(', '));
      expect([...new Set(named)].sort()).toEqual([...names].sort());
    }
  });

  it('are the same in the PrometheusRule', () => {
    const { spec } = parse(read('prometheus-rule.yaml')) as { spec: object };
    expect(spec).toEqual({ groups: ruleGroups });
  });

  it.each(ruleGroups)(
    'of $name: each has a section of its runbook that says what it means, whom it affects and what to do',
    (group) => {
      const pages = new Set(group.rules.map(({ annotations }) => annotations.runbook.replace(/#.*/, '')));
      expect(pages.size).toBe(1);
      const sections = readFileSync(inDeploy(`../${[...pages].join('')}`), 'utf8')
        .split(/^## /m)
        .slice(1);
      expect(sections.map((section) => section.split('\n')[0])).toEqual(
        group.rules.map(({ alert }) => alert),
      );
      for (const { alert, annotations } of group.rules)
        expect(annotations.runbook.replace(/.*#/, '')).toBe(alert.toLowerCase());
      for (const section of sections)
        expect([...section.matchAll(/^- \*\*(\w+):\*\* /gm)].map((match) => match[1])).toEqual([
          'Means',
          'Affects',
          'Look',
          'Do',
        ]);
    },
  );

  it('name only metrics, labels and label values that exist', () => {
    expect(rules.flatMap(({ expr }) => unknownIn(expr, known))).toEqual([]);
  });

  it('about memory fire at 80 % of the limits of the manifests', async () => {
    for (const [program, name] of [
      ['nmi', 'PodIdentityNmiMemory'],
      ['mic', 'PodIdentityMicMemory'],
    ] as const) {
      const { memoryMiB } = await nodeSettings(program);
      const rule = rules.find(({ alert }) => alert === name);
      expect(rule?.expr).toMatch(new RegExp(`> ${0.8 * memoryMiB * 1024 * 1024}$`));
      expect(rule?.annotations.description).toContain(`${memoryMiB} MiB`);
    }
  });
});

it('the dashboard names only metrics, labels and label values that exist', () => {
  expect(queries.length).toBeGreaterThan(10);
  expect(queries.flatMap((expr) => unknownIn(expr, known))).toEqual([]);
});

it.each([
  ['aadpodidentity_nmi_redy == 0', 'there is no metric aadpodidentity_nmi_redy'],
  [
    'aadpodidentity_nmi_outcomes_total{outcome=~"token|tokn"}',
    'outcome of aadpodidentity_nmi_outcomes_total is never tokn',
  ],
  ['aadpodidentity_nmi_ready{outcome="token"}', 'aadpodidentity_nmi_ready has no label outcome'],
  ['vector(1)', 'no metric in: vector(1)'],
])('%s: %s', (expr, problem) => {
  expect(unknownIn(expr, known)).toEqual([problem]);
});
