import type { Log } from '@pod-identity/kit/serve';
import { ProgramError, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

export interface ConntrackOptions {
  readonly target: RedirectTarget;
  readonly run: RunProgram;
  readonly log: Log;
}

/**
 * Makes the kernel forget the connections that go to the metadata service past us. Those that were led here answer with
 * another address and are left alone. Without it the rules of the filter refuse what such connections send.
 */
export function createConntrackCutter({ target, run, log }: ConntrackOptions): () => Promise<void> {
  const { host, port } = target.metadata;
  const args = ['-D', '-p', 'tcp', '--orig-dst', host, '--orig-port-dst', String(port), '--reply-src', host];
  let isTold = false;
  return async () => {
    try {
      await run('conntrack', args);
    } catch (error) {
      // 1: there was none, which is fine.
      if (error instanceof ProgramError && error.exitCode === 1 && error.trouble === 'failed') return;
      if (!isTold)
        log.info(
          { error },
          'older connections to the metadata service were not forgotten; the rules refuse them',
        );
      isTold = true;
    }
  };
}
