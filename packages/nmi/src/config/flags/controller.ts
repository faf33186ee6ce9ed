import type { FlagReading } from '@pod-identity/kit/core';
import type { ControllerPods } from '../../authorize/types.ts';
import { added, changed, type NmiFlag } from './flag.ts';

const ours = ['mic-service-account', 'mic-labels'] as const;

/** Which pods are the original's MIC in the pod network. Ours is on the host's network, where nothing is redirected. */
export const controllerFlags: readonly NmiFlag[] = [
  changed({
    name: 'MICNamespace',
    kind: 'string',
    default: '',
    help: "Namespace of the original's MIC when it runs in the pod network: with --mic-service-account and --mic-labels, matching pods may get any identity of the machine. Anyone who may create pods in that namespace can therefore use these identities.",
    why: 'no effect alone, and off by default; in the original any pod of the namespace with the name of MIC was exempt',
  }),
  added({
    name: 'mic-service-account',
    kind: 'string',
    default: '',
    help: "Service account of the original's MIC, exact. See --MICNamespace.",
    why: 'see --MICNamespace',
  }),
  added({
    name: 'mic-labels',
    kind: 'list',
    default: [],
    help: "Labels of the original's MIC as NAME=VALUE, exact; a pod must have all of them. See --MICNamespace.",
    why: 'see --MICNamespace',
  }),
];

/** Undefined: no pod is exempt as MIC. */
export function controllerOf(reading: FlagReading): ControllerPods | undefined {
  const [namespace, serviceAccount] = [reading.string('MICNamespace'), reading.string('mic-service-account')];
  const labels = Object.fromEntries(reading.list('mic-labels').flatMap(labelOf));
  if (namespace === '' || serviceAccount === '' || Object.keys(labels).length === 0) return undefined;
  return { namespace, serviceAccount, labels };
}

export function controllerProblems(reading: FlagReading): string[] {
  const wrong = reading.list('mic-labels').filter((text) => labelOf(text).length === 0);
  const problems = wrong.map((text) => `--mic-labels takes labels as NAME=VALUE, but not ${text}`);
  if (wrong.length === 0 && isAskedFor(reading) && controllerOf(reading) === undefined)
    problems.push(
      '--MICNamespace, --mic-service-account and --mic-labels work together only: give all three',
    );
  return problems;
}

/** The original's deployments pass the namespace alone: they must start, and get to know what became of it. */
export function controllerWarnings(reading: FlagReading): string[] {
  const isAlone = reading.string('MICNamespace') !== '' && !isAskedFor(reading);
  return isAlone
    ? ['--MICNamespace has no effect without --mic-service-account and --mic-labels: no pod is exempt as MIC']
    : [];
}

function isAskedFor(reading: FlagReading): boolean {
  return ours.some((name) =>
    name === 'mic-labels' ? reading.list(name).length > 0 : reading.string(name) !== '',
  );
}

function labelOf(text: string): [string, string][] {
  const at = text.indexOf('=');
  return at < 1 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
}
