import { inMic, type Finding } from '@pod-identity/policy';

/** A remedy that runs `mic explain` in MIC's pod, with the plug-in's `explain`: it needs no right to `kubectl exec`. */
export function withOwnExplain(finding: Finding): Finding {
  return withCommand(finding, inMic('explain '), 'kubectl azure-pod-identity explain ');
}

/** Commands for any pod, for this one. */
export function aboutPod(finding: Finding, pod: string): Finding {
  return withCommand(finding, 'NAMESPACE/POD', pod);
}

function withCommand(finding: Finding, from: string, to: string): Finding {
  const command = finding.remedy?.command;
  if (finding.remedy === undefined || command?.includes(from) !== true) return finding;
  return { ...finding, remedy: { ...finding.remedy, command: command.replaceAll(from, to) } };
}
