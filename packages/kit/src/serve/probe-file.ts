import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { orLate } from '../core/or-late.ts';
import type { Ambient } from './ambient.ts';
import type { Log } from './log.ts';

/** A file that tells the state of this process: a time in the future means that it runs, no content that it is ready. */
export interface ProbeFile {
  /** Replaces the text in one step: the file is empty only if the new text is. */
  write(text: string, freshUntilMs: number): Promise<void>;
}

export interface ProbeFileOptions extends Pick<Ambient, 'clock' | 'log'> {
  /** Undefined: no exec probe reads one. */
  readonly file: ProbeFile | undefined;
  readonly problems: () => Promise<readonly string[]>;
}

const readyMs = 5_000;
const notReadyMs = 1_000;
/** A process that does not write for so long hangs. */
const freshMs = 20_000;
/** The file is alive as long as this process runs, however long the checks take. */
const longestCheckMs = 10_000;
const tooLong: readonly string[] = [`the checks take longer than ${longestCheckMs / 1_000} s`];

/**
 * Keeps the file of the exec probes until the signal aborts. At a port another program of the node could answer, and others may send
 * requests to it. Empty: ready; else the problems.
 */
export async function keepProbeFile(options: ProbeFileOptions, signal: AbortSignal): Promise<void> {
  const { file, clock } = options;
  if (file === undefined) return;
  const report = createReporter(options.log);
  while (!signal.aborted) {
    const problems = await orLate(options.problems(), { clock, ms: longestCheckMs, late: tooLong });
    const written = file.write(problems.join('\n'), clock.now() + freshMs);
    report(await written.then(() => undefined).catch(String));
    await clock.sleep(problems.length === 0 ? readyMs : notReadyMs, signal).catch(() => undefined);
  }
}

/** Logs what fails twice in a row: a process that has another uid for a moment cannot set the time of its file. */
function createReporter(log: Log) {
  let failures = 0;
  return (error: string | undefined) => {
    failures = error === undefined ? 0 : failures + 1;
    if (failures === 2)
      log.error(
        { error },
        'the file of the probes (--probe-file) cannot be written, so this process will be restarted',
      );
  };
}

/** Says first that the process is not ready: a file in memory of the pod is that of the container before it, whose process may have crashed. */
export async function openProbeFile(path: string, now: number): Promise<ProbeFile | undefined> {
  if (path === '') return undefined;
  const file = fileAt(path);
  // What cannot be written is reported by who keeps it.
  await file.write('the process starts', now + freshMs).catch(() => undefined);
  return file;
}

function fileAt(path: string): ProbeFile {
  return {
    async write(text, freshUntilMs) {
      // Not truncated when it is opened: an empty file means ready. One that is new is not fresh yet.
      const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
      try {
        const bytes = Buffer.from(text.slice(0, longestText));
        await file.write(bytes, 0, bytes.length, 0);
        await file.truncate(bytes.length);
        await file.utimes(freshUntilMs / 1_000, freshUntilMs / 1_000);
      } finally {
        await file.close();
      }
    },
  };
}

/** The kubelet reads 4096 bytes of a container's termination log. */
const longestText = 2_048;
