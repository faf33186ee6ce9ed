import { inMic, type Finding } from '@pod-identity/policy';

type Own = 'access' | 'explain';

/** A remedy that runs one of these commands in MIC's pod, with the command of the same name here: it needs no right to `kubectl exec`. */
export function withOwnCommands(finding: Finding, ...names: readonly Own[]): Finding {
  const command = finding.remedy?.command;
  if (finding.remedy === undefined || command === undefined) return finding;
  return { ...finding, remedy: { ...finding.remedy, command: ownCommands(command, ...names) } };
}

/** The same in a text that names such commands. */
export function ownCommands(text: string, ...names: readonly Own[]): string {
  return names.reduce(
    (changed, name) => changed.replaceAll(inMic(`${name} `), `kubectl azure-pod-identity ${name} `),
    text,
  );
}

/** Commands for any pod, for this one. */
export function aboutPod(finding: Finding, pod: string): Finding {
  const command = finding.remedy?.command;
  if (finding.remedy === undefined || command?.includes(anyPod) !== true) return finding;
  return { ...finding, remedy: { ...finding.remedy, command: command.replaceAll(anyPod, pod) } };
}

const anyPod = 'NAMESPACE/POD';
