// Vitest's process for a test file, as leader of a process group of its own: a mutant can keep a test from killing its children, so
// the whole group is killed when the process ends.
import { fork } from 'node:child_process';
import { ForksPoolWorker, type PoolOptions } from 'vitest/node';

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
      const end = () => endGroup(pid);
      process.once('exit', end);
      child.once('exit', () => {
        process.off('exit', end);
        end();
      });
    }
    // Vitest has no option for this; it starts a process only where there is none yet.
    Object.assign(this, { _fork: child });
    await super.start();
  }
}

export const groupPool = {
  name: 'forks-in-groups',
  createPoolWorker: (options: PoolOptions): GroupWorker => new GroupWorker(options),
};

function endGroup(id: number): void {
  try {
    process.kill(-id, 'SIGKILL');
  } catch (error) {
    // Usually nobody of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
