// What `access` prints, as objects for programs and as tables.
import { rolesFor } from '@pod-identity/crd-types';
import { keyOf } from '../cluster/fields.ts';
import type { Out } from '../print/output.ts';
import { describeHolder, type Holder } from './grants.ts';
import type { Named } from './targets.ts';
import type { UseEntry } from './uses.ts';
import { rightIn, type Right, type Verdict } from '../rights/verdicts.ts';

/** Fields of the JSON. */
export interface VerdictObject {
  readonly resource: string;
  /** The narrowest name of the target. */
  readonly name: string;
  readonly by: readonly string[];
  readonly right: Right;
  /** The name that the right is on. */
  readonly on?: string;
  readonly why?: string;
  /** What grants it, for `kubectl apply -f -`. */
  readonly roles?: string;
  /** Who wrote the id, and what granting it means. */
  readonly warning?: string;
}

export function verdictObject({ target, by }: Named, verdict: Verdict): VerdictObject {
  const { subject, review } = verdict;
  const { resource, names } = target;
  const common = { resource, name: names[0], by, right: rightIn(verdict) };
  if (review.kind === 'allowed') return { ...common, on: names[review.level] ?? '' };
  if (review.kind === 'unanswered') return { ...common, why: review.why ?? 'no answer' };
  const warning =
    by.length > 0 &&
    `editors of its namespace wrote ${resource} ${names[0]} into AzureIdentity ${by.join(', ')}: with these roles pods of ServiceAccount ${keyOf(subject)} act as that identity in Azure, whoever it belongs to. Apply them only if its owner wants that`;
  return {
    ...common,
    roles: rolesFor({ subjects: [subject], targets: [target] }).yaml,
    ...(warning !== false && { warning }),
  };
}

export function printIdentities(out: Out, found: readonly VerdictObject[], areRolesWanted: boolean): void {
  out.table({
    columns: ['RIGHT', 'AZUREIDENTITIES', 'RESOURCE', 'NAME', 'RIGHT ON'].map((name) => ({ name })),
    rows: found.map(({ right, by, resource, name, on = '' }) => [right, by.join(','), resource, name, on]),
  });
  if (!areRolesWanted) return;
  for (const { roles, warning } of found)
    if (roles !== undefined)
      for (const line of [
        '',
        ...(warning === undefined ? [] : [`warning: ${warning}`]),
        'to allow it, kubectl apply -f - with:',
        ...roles.trimEnd().split('\n'),
      ])
        out.line(line);
}

export const printHolders = (out: Out, holders: readonly Holder[]) =>
  out.table({
    columns: ['HOLDER', 'RIGHT ON', 'CLUSTERROLE', 'CLUSTERROLEBINDING'].map((name) => ({ name })),
    rows: holders
      .map((one) => [describeHolder(one), one.on, one.clusterRole, one.clusterRoleBinding])
      .sort(([a = ''], [b = '']) => a.localeCompare(b, 'en')),
  });

export const printEntries = (out: Out, entries: readonly UseEntry[]) =>
  out.table({
    columns: [
      ...['POD', 'SERVICEACCOUNT', 'IDENTITY', 'TYPE', 'RIGHT', 'STATE'].map((name) => ({ name })),
      ...['MODE', 'NODE', 'AZURE'].map((name) => ({ name, isWide: true })),
    ],
    rows: entries.map(({ pod, serviceAccount, by, type, right, state, mode, node, azure }) => [
      ...[pod, serviceAccount, by, type, right, state, mode ?? '', node],
      azure.join(','),
    ]),
  });
