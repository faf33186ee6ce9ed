// What deploy/monitoring has for Prometheus and Grafana, as their files are read.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { inDeploy } from '../stage/places.ts';

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

export const read = (name: string) => readFileSync(inDeploy(`monitoring/${name}`), 'utf8');

/** Of rules.yaml. */
export const ruleGroups = (parse(read('rules.yaml')) as { groups: readonly RuleGroup[] }).groups;

export interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

export const { panels } = JSON.parse(read('dashboard.json')) as { panels: readonly Panel[] };
/** Of the dashboard's panels. */
export const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
