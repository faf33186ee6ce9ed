// Vitest's process for a test file, as leader of a process group of its own: a mutant can keep a test from killing its children, so
// the whole group is killed when the process ends.
import { ChildProcess, fork } from 'node:child_process';
import { ForksPoolWorker, type PoolOptions } from 'vitest/node';

/**
 * Vitest's worker has no option for `detached`, but it starts a process only while this private field is empty. A worker without
 * Vitest's class would lack its watchdog, which ends the process of an endless loop after the main process was killed.
 */
const setProcess = (worker: ForksPoolWorker, process: ChildProcess) =>
  Object.assign(worker, { _fork: process });

/** Fails when this version of Vitest does not use the private field. */
export function checkPrivateField(prototype: object = ForksPoolWorker.prototype): void {
  const worker = Object.create(prototype) as ForksPoolWorker;
  const process = new ChildProcess();
  setProcess(worker, process);
  try {
    worker.on('exit', () => undefined);
  } catch {
    // Without its process a worker refuses listeners.
  }
  if (process.listenerCount('exit') === 0)
    throw new Error(
      "Vitest's ForksPoolWorker has no field `_fork` any more: adapt tools/mutate/group-worker.ts",
    );
}

class GroupWorker extends ForksPoolWorker {
  override async start(): Promise<void> {
    const { env, execArgv } = this;
    const child = fork(this.entrypoint, [], {
      env,
      execArgv,
      detached: true,
      stdio: 'pipe' as const,
      serialization: 'advanced' as const,
    });
    const { pid } = child;
    if (pid !== undefined) {
      const end = () => killGroup(pid);
      process.once('exit', end);
      child.once('exit', () => {
        process.off('exit', end);
        end();
      });
    }
    setProcess(this, child);
    await super.start();
  }
}

checkPrivateField();
export const groupPool = {
  name: 'forks-in-groups',
  createPoolWorker: (options: PoolOptions): GroupWorker => new GroupWorker(options),
};

function killGroup(id: number): void {
  try {
    process.kill(-id, 'SIGKILL');
  } catch (error) {
    // Usually no process of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
