import { inMic, type Finding } from '@pod-identity/policy';

/** A remedy that runs one of these commands in MIC's pod, with the command of the same name here: it needs no right to `kubectl exec`. */
export function withOwnCommands(finding: Finding, ...names: readonly ('access' | 'explain')[]): Finding {
  const command = finding.remedy?.command;
  if (finding.remedy === undefined || command === undefined) return finding;
  if (!names.some((name) => command.startsWith(inMic(`${name} `)))) return finding;
  const own = `kubectl azure-pod-identity ${command.slice(inMic('').length)}`;
  return { ...finding, remedy: { ...finding.remedy, command: own } };
}

/** Commands for any pod, for this one. */
export function aboutPod(finding: Finding, pod: string): Finding {
  const command = finding.remedy?.command;
  if (finding.remedy === undefined || command?.includes(anyPod) !== true) return finding;
  return { ...finding, remedy: { ...finding.remedy, command: command.replaceAll(anyPod, pod) } };
}

const anyPod = 'NAMESPACE/POD';
