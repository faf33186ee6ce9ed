import { bindingLabel } from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import { problem, shellWord, type Finding } from '@pod-identity/policy';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { aboutPod } from '../print/findings.ts';
import { found, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

/** Of one problem, more pods are counted only. */
const mostNamed = 3;

/** Whether each labelled pod has its identity, by MIC's explanation of it. */
export function checkPods({ explained, pods }: DoctorFacts): CheckResult {
  const unknown = unknownOf(pods);
  const misspelt = itemsOf(pods)
    .filter(({ isFinished }) => !isFinished)
    .flatMap(misspeltLabel);
  if ('unknown' in explained) return { findings: misspelt, unknown: [...unknown, explained.unknown] };
  const problems = explained.value.flatMap(({ pod, findings }) =>
    findings.filter(isProblem).map((finding) => ({ pod, finding })),
  );
  // Pods of one Deployment have the same problem, but for their names.
  const alike = Map.groupBy(problems, ({ pod, finding }) => alikeKey(pod, finding));
  return { findings: [...misspelt, ...[...alike.values()].flatMap(named)], unknown };
}

const isProblem = ({ verdict, topic }: Finding) => verdict === 'problem' && topic !== 'result';

function alikeKey(pod: string, { topic, text }: Finding): string {
  const [namespace = '', name = ''] = pod.split('/');
  return `${namespace} ${topic} ${text.replaceAll(name, '')}`;
}

function named(alike: readonly { readonly pod: string; readonly finding: Finding }[]): ObjectFinding[] {
  const more = alike.length - mostNamed;
  return alike.slice(0, mostNamed).map(({ pod, finding }, at) => {
    const rest = at === mostNamed - 1 && more > 0 ? ` (and ${more} more pods of this namespace)` : '';
    const text = `pod ${pod}: ${finding.text}${rest}`;
    return found(`Pod/${pod}`, aboutPod({ ...finding, text }, pod));
  });
}

function misspeltLabel({
  namespace,
  name,
  labels,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}): ObjectFinding[] {
  if (bindingLabel in labels) return [];
  const key = Object.keys(labels).find((label) => nearest(label, [bindingLabel]) !== undefined);
  if (key === undefined) return [];
  const text = `pod ${namespace}/${name} has the label ${key}, and ${bindingLabel} is probably meant`;
  const value = labels[key] ?? '';
  const remedy = {
    text: 'correct it, in the template of the pod too',
    command: `kubectl label pod ${name} --namespace ${namespace} ${shellWord(`${bindingLabel}=${value}`)} ${shellWord(key)}-`,
  };
  return [found(`Pod/${namespace}/${name}`, problem('label', text, remedy))];
}
