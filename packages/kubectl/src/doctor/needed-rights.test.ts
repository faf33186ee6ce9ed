import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { NeededRight } from '../cluster/account-right.ts';
import { manifestOf, neededRights } from './needed-rights.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}
interface Role {
  readonly kind: string;
  readonly rules?: readonly Rule[];
}

const textOf = ({ verb, group, resource, subresource, isOwn }: NeededRight) =>
  `${verb} ${group}/${resource}${subresource === undefined ? '' : `/${subresource}`}${isOwn === true ? ' own' : ''}`;

it.each(['mic', 'nmi', 'broker'] as const)(
  '%s: what is asked about is what its manifest grants',
  (service) => {
    const text = readFileSync(new URL(`../../../../${manifestOf[service]}`, import.meta.url), 'utf8');
    const roles = parseAllDocuments(text).map((document) => document.toJS() as Role);
    const granted = roles.flatMap(({ kind, rules = [] }) =>
      rules
        // Rights on single objects: their names are flags.
        .filter(({ resourceNames }) => resourceNames === undefined)
        .flatMap(({ apiGroups, resources, verbs }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) =>
              verbs.map((verb) => `${verb} ${group}/${resource}${kind === 'Role' ? ' own' : ''}`),
            ),
          ),
        ),
    );
    expect(neededRights[service].map(textOf).toSorted()).toEqual(granted.toSorted());
  },
);
