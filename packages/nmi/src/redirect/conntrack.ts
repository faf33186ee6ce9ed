import type { Log } from '@pod-identity/kit/serve';
import { ProgramError, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

/**
 * Deletes conntrack entries of connections that go directly to the metadata service; redirected ones have another reply address.
 * Without this the filter rules refuse packets of such connections.
 */
export function createConntrackCutter(
  { metadata: { host, port } }: Pick<RedirectTarget, 'metadata'>,
  run: RunProgram,
  log: Log,
): () => Promise<void> {
  const args = ['-D', '-p', 'tcp', '--orig-dst', host, '--orig-port-dst', String(port), '--reply-src', host];
  let isReported = false;
  return async () => {
    try {
      await run('conntrack', args);
    } catch (error) {
      // 1: there was no entry.
      if (error instanceof ProgramError && error.exitCode === 1 && error.trouble === 'failed') return;
      if (!isReported)
        log.info(
          { error },
          'older connections to the metadata service were not forgotten; the rules refuse them',
        );
      isReported = true;
    }
  };
}
