import { fileURLToPath } from 'node:url';
import { runCommand } from '../../stage/run-command.ts';
import type { CopingCells } from './coping.ts';

const program = fileURLToPath(new URL('coping.program.ts', import.meta.url));

/** Measured in a network namespace that has a loopback device and nothing else: no client can reach a metadata service. */
export async function measureCoping(): Promise<CopingCells> {
  const name = `coping-${process.pid}`;
  const inside = (...command: string[]) => ['netns', 'exec', name, ...command];
  await runCommand('ip', ['netns', 'add', name]);
  try {
    await runCommand('ip', inside('ip', 'link', 'set', 'lo', 'up'));
    const { stdout } = await runCommand('ip', inside(process.execPath, program), 240_000);
    return JSON.parse(stdout) as CopingCells;
  } finally {
    await runCommand('ip', ['netns', 'del', name]);
  }
}
