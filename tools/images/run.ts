// The door to other programs.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const maxBuffer = 512 * 1024 * 1024;

export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return (await runForBytes(program, args, cwd)).toString('utf8');
}

/** Standard output. An error has what the program wrote to standard error. */
export async function runForBytes(program: string, args: readonly string[], cwd?: string): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer, ...(cwd !== undefined && { cwd }) } as const;
  return (await execute(program, args, options)).stdout;
}
