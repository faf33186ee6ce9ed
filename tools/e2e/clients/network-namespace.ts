// A network namespace that has a loopback device and nothing else, so that no program in it can reach a metadata service.
import { runCommand } from '../../stage/run-command.ts';

export interface NetworkNamespace {
  /** The command line that runs a program in it. */
  inside(executable: string, args: readonly string[]): readonly [executable: string, ...args: string[]];
  remove(): Promise<void>;
}

let made = 0;

/** `addresses`: of its loopback device, besides 127.0.0.1. */
export async function openNetworkNamespace(
  purpose: string,
  addresses: readonly string[] = [],
): Promise<NetworkNamespace> {
  made += 1;
  const name = `${purpose}-${process.pid}-${made}`;
  const inside: NetworkNamespace['inside'] = (executable, args) => [
    '/usr/sbin/ip',
    ...['netns', 'exec', name, executable, ...args],
  ];
  const remove = async () => {
    await runCommand('ip', ['netns', 'del', name]);
  };
  await runCommand('ip', ['netns', 'add', name]);
  try {
    for (const command of ['link set lo up', ...addresses.map((one) => `address add ${one}/32 dev lo`)]) {
      const [ip, ...args] = inside('ip', command.split(' '));
      await runCommand(ip, args);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { inside, remove };
}
