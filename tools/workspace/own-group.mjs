// Runs a program in a process group of its own, so that all it has started ends with it: a test that is interrupted leaves no process.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const graceMs = 3_000;
const pauseMs = 100;

/**
 * As a shell has it: of a program that a signal ended, 128 and the signal's number.
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 * @returns {number}
 */
export const exitCodeOf = (code, signal) => code ?? 128 + constants.signals[signal];

/**
 * A signal to this process, such as Ctrl-C, is passed to the program alone, which ends its children in order.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 * @returns {Promise<number>} the exit code
 */
export function runInOwnGroup(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    // A group in the background may not read from the terminal.
    const stdio = ['ignore', 'inherit', 'inherit'];
    const child = spawn(command, args, { cwd, env, stdio, detached: true });
    const pass = (signal) => void child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      void endGroup(child.pid).then(() => {
        for (const signal of signals) process.off(signal, pass);
        resolve(exitCodeOf(code, signal));
      });
    });
  });
}

/** SIGTERM, and SIGKILL for those that have not ended after it. */
async function endGroup(leader) {
  const isThere = (signal) => {
    try {
      return process.kill(-leader, signal);
    } catch {
      return false;
    }
  };
  if (!isThere('SIGTERM')) return;
  for (let waitedMs = 0; isThere(0); waitedMs += pauseMs) {
    if (waitedMs >= graceMs) return void isThere('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
