// What the cluster says after a failure, for people.
import * as names from '../../stage/names.ts';
import { runCommand } from '../../stage/run-command.ts';
import { programsOf, type Given } from './given.ts';
import { testNamespaces } from './objects.ts';

export async function describeState(given: Given): Promise<string> {
  const parts: string[] = [];
  const add = async (...args: readonly string[]) => {
    const said = await runCommand('kubectl', ['--kubeconfig', given.kubeconfig, ...args]).then(
      ({ stdout }) => stdout,
      (error: unknown) => String(error),
    );
    parts.push(`kubectl ${args.join(' ')}\n${said}`);
  };
  for (const namespace of [names.systemNamespace, ...testNamespaces]) {
    await add('get', 'pods', '--output=wide', '--namespace', namespace);
    await add('get', 'events', '--field-selector=type=Warning', '--namespace', namespace);
  }
  for (const component of programsOf(given))
    await add('logs', '--tail=15', `--selector=component=${component}`, '--namespace', names.systemNamespace);
  return parts.join('\n');
}
