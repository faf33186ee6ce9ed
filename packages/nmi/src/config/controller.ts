import { changedFlag, newFlag, value, type FlagValues } from '@pod-identity/kit/core';
import type { ControllerPods } from '../authorize/types.ts';

/** Which pods are the original's MIC in the pod network. Ours is on the host's network, where nothing is redirected. */
export const controllerFlags = {
  namespace: changedFlag('MICNamespace', value.text(''), {
    help: "Namespace of the original's MIC when it runs in the pod network: with --mic-service-account and --mic-labels, matching pods may get any identity of the machine. Anyone who may create pods in that namespace can therefore use these identities.",
    why: 'no effect alone, and off by default; in the original any pod of the namespace with the name of MIC was exempt',
  }),
  serviceAccount: newFlag('mic-service-account', value.text(''), {
    help: "Service account of the original's MIC, exact. See --MICNamespace.",
    why: 'see --MICNamespace',
  }),
  labels: newFlag('mic-labels', value.list(), {
    help: "Labels of the original's MIC as NAME=VALUE, exact; a pod must have all of them. See --MICNamespace.",
    why: 'see --MICNamespace',
  }),
};

type Given = FlagValues<typeof controllerFlags>;

/** Undefined: no pod is exempt as MIC. */
export function controllerOf({
  namespace,
  serviceAccount,
  labels: texts,
}: Given): ControllerPods | undefined {
  const labels = Object.fromEntries(texts.flatMap(labelOf));
  if (namespace === '' || serviceAccount === '' || Object.keys(labels).length === 0) return undefined;
  return { namespace, serviceAccount, labels };
}

export function controllerProblems(given: Given): string[] {
  const wrong = given.labels.filter((text) => labelOf(text).length === 0);
  const problems = wrong.map((text) => `--mic-labels takes labels as NAME=VALUE, but not ${text}`);
  if (wrong.length === 0 && isNamed(given) && controllerOf(given) === undefined)
    problems.push(
      '--MICNamespace, --mic-service-account and --mic-labels work together only: give all three',
    );
  return problems;
}

/** The original's deployments pass the namespace alone: they must start, with a warning that it has no effect. */
export function controllerWarnings(given: Given): string[] {
  return given.namespace !== '' && !isNamed(given)
    ? ['--MICNamespace has no effect without --mic-service-account and --mic-labels: no pod is exempt as MIC']
    : [];
}

function isNamed({ serviceAccount, labels }: Given): boolean {
  return serviceAccount !== '' || labels.length > 0;
}

function labelOf(text: string): [string, string][] {
  const at = text.indexOf('=');
  return at < 1 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
}
