import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeSettings } from '../stage/node-settings.ts';
import { inDeploy } from '../stage/places.ts';
import { cases } from './cases.ts';
import { knownMetrics, unknownIn, type KnownMetrics } from './known-metrics.ts';
import { rows } from './panels.ts';
import { alertGroups } from './rules.ts';

let known: KnownMetrics;
beforeAll(async () => {
  known = await knownMetrics();
});
const alerts = alertGroups.flatMap((group) => group.alerts);
const queries = rows.flatMap(({ panels }) => panels).flatMap((panel) => panel.queries);

describe('alerts', () => {
  it('have names of their own, and each has a world in which it fires', () => {
    const names = alerts.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(cases).sort()).toEqual([...names].sort());
  });

  it.each(alertGroups)(
    'of $name: each has a section of the runbook that says what it means, whom it affects and what to do',
    (group) => {
      const page = readFileSync(inDeploy(`../${group.runbook}`), 'utf8');
      const sections = page.split(/^## /m).slice(1);
      expect(sections.map((section) => section.split('\n')[0])).toEqual(group.alerts.map(({ name }) => name));
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
    expect(alerts.flatMap(({ expr }) => unknownIn(expr, known))).toEqual([]);
  });

  it('about memory fire at 80 % of the limits of the manifests', async () => {
    for (const [program, name] of [
      ['nmi', 'PodIdentityNmiMemory'],
      ['mic', 'PodIdentityMicMemory'],
    ] as const) {
      const { memoryMiB } = await nodeSettings(program);
      const alert = alerts.find((one) => one.name === name);
      expect(alert?.expr).toMatch(new RegExp(`> ${0.8 * memoryMiB * 1024 * 1024}$`));
      expect(alert?.description).toContain(`${memoryMiB} MiB`);
    }
  });
});

it('the dashboard names only metrics, labels and label values that exist', () => {
  expect(queries.flatMap(({ expr }) => unknownIn(expr, known))).toEqual([]);
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
