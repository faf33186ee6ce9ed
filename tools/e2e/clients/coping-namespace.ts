import { fileURLToPath } from 'node:url';
import { runCommand } from '../../stage/run-command.ts';
import type { CopingCells } from './coping.ts';
import { openNetworkNamespace } from './network-namespace.ts';

const program = fileURLToPath(new URL('coping.program.ts', import.meta.url));

/** Measured where no client can reach a metadata service. */
export async function measureCoping(): Promise<CopingCells> {
  const namespace = await openNetworkNamespace('coping');
  try {
    const [executable, ...args] = namespace.inside(process.execPath, [program]);
    const { stdout } = await runCommand(executable, args, 240_000);
    return JSON.parse(stdout) as CopingCells;
  } finally {
    await namespace.remove();
  }
}
