import { KubeError } from '@pod-identity/kit/kube';
import type { Session } from '../cli/command.ts';
import type { Report } from '../judge/report.ts';

interface Watched {
  readonly read: () => Promise<Report>;
  readonly print: (report: Report) => number;
}

/** Reading takes at most a tenth of the time: a large cluster is read less often. */
const [shortestMs, idleShare] = [2_000, 10];

/** Reads again and again, and prints what differs from the last time, until the signal aborts. Resolves to the last exit code. */
export async function printWhenChanged(session: Session, { read, print }: Watched): Promise<number> {
  const { signal, clock, err } = session;
  let [printed, complained] = ['', ''];
  let code = 0;
  while (!signal.aborted) {
    const began = clock.elapsed();
    try {
      const status = await read();
      const text = JSON.stringify(status);
      if (text !== printed) code = print(status);
      [printed, complained] = [text, ''];
    } catch (error) {
      if (!(error instanceof KubeError) || printed === '') throw error;
      // A restart of the API server does not end the watch; it is said once.
      if (error.message !== complained) err(`cannot be read now: ${error.message}`);
      complained = error.message;
    }
    const ms = Math.max(shortestMs, idleShare * (clock.elapsed() - began));
    await clock.sleep(ms, signal).catch(() => undefined);
  }
  return code;
}
