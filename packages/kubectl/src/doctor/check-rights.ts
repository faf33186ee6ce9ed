import { problem } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { manifestOf } from './needed-rights.ts';
import { found, type CheckResult, type DoctorFacts, type ReviewedRight } from './facts.ts';

/** The ServiceAccounts of MIC, NMI and the broker have the rights of their manifests. */
export function checkRights({ rights }: DoctorFacts): CheckResult {
  const byAccount = Map.groupBy(rights, ({ account }) => keyOf(account));
  const findings = [...byAccount].flatMap(([key, reviewed]) => {
    const missing = reviewed.filter(({ isAllowed }) => isAllowed === false);
    const [first] = missing;
    if (first === undefined) return [];
    const what = missing.map(rightText).join(', ');
    const remedy = {
      text: 'apply its roles again, from a checkout of the repository; with Helm, upgrade the release',
      command: `kubectl apply -f ${manifestOf[first.account.service]}`,
    };
    return [
      found(`ServiceAccount/${key}`, problem('permission', `ServiceAccount ${key} may not ${what}`, remedy)),
    ];
  });
  const isUnknown = rights.some(({ isAllowed }) => isAllowed === undefined);
  const unknown = isUnknown
    ? ['you may not ask about the rights of others (create subjectaccessreviews)']
    : [];
  return { findings, unknown };
}

function rightText({ right: { verb, resource, subresource, isOwn } }: ReviewedRight): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${what}${isOwn === true ? ' in its namespace' : ''}`;
}
