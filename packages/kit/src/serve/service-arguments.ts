import { readFileSync } from 'node:fs';

/**
 * The arguments of the service that runs as process 1 of this container, if it was started from the same file as this process.
 * Undefined if process 1 is another program: this process does not run in the container of the service.
 */
export function readServiceArguments(script: string): readonly string[] | undefined {
  try {
    return argumentsAfter(script, readFileSync('/proc/1/cmdline', 'utf8'));
  } catch {
    return undefined;
  }
}

/** `commandLine`: words that each end with a zero byte. */
export function argumentsAfter(script: string, commandLine: string): readonly string[] | undefined {
  const words = commandLine.split('\0').slice(0, -1);
  const at = words.indexOf(script);
  return at < 1 ? undefined : words.slice(at + 1);
}
