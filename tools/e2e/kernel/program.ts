// A program of this folder in a network namespace, controlled by messages. It ends with its parent process.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { within } from '../../stage/within.ts';

/** The messages of a program: name, argument and result. */
export type Questions = Readonly<Record<string, (given: never) => unknown>>;

export interface Program<Q extends Questions> {
  ask<K extends keyof Q>(
    question: K,
    ...given: Parameters<Q[K]> extends [] ? [] : Parameters<Q[K]>
  ): Promise<Awaited<ReturnType<Q[K]>>>;
  stop(): Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export interface ProgramPlace {
  readonly namespace: string;
  /** For the scripts that start programs in namespaces. */
  readonly folder: string;
}

/** Messages that wait for something have a shorter limit of their own. */
const patienceMs = 120_000;

/** @param file A program of this folder that calls `answerMessages`. */
export async function startProgram<Q extends Questions>(
  file: string,
  given: object,
  { namespace, folder }: ProgramPlace,
): Promise<Program<Q>> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(given)], {
    execPath: await nodeIn(namespace, folder),
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  const ended = once(child, 'exit').then(() => {
    for (const [id, settle] of waiting) settle({ id, error: 'it has ended' });
  });
  const ready = Promise.withResolvers<undefined>();
  child.on('message', (message) => {
    const reply = message as Reply | 'ready';
    if (reply === 'ready') ready.resolve(undefined);
    else waiting.get(reply.id)?.(reply);
  });
  const died = ended.then(() => Promise.reject(new Error(`${file} did not start`)));
  await within(patienceMs, `${file} to start in ${namespace}`, Promise.race([ready.promise, died]));

  let count = 0;
  return {
    ask: async (question, ...[what]) => {
      count += 1;
      const id = count;
      const { promise, resolve } = Promise.withResolvers<Reply>();
      waiting.set(id, resolve);
      child.send({ id, question, given: what });
      const awaited = `an answer of ${file} in ${namespace} to ${String(question)}`;
      const { answer, error } = await within(patienceMs, awaited, promise).finally(() => waiting.delete(id));
      if (error !== undefined) throw new Error(`${file} in ${namespace}: ${String(question)}: ${error}`);
      return answer as never;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await within(patienceMs, `${file} in ${namespace} to end`, ended);
    },
  };
}

/** The other side: handles messages until the parent process ends. */
export function answerMessages(questions: Questions): void {
  const answer = async ({ question, given }: { question: string; given: unknown }) => {
    const ask = questions[question];
    if (ask === undefined) throw new Error(`there is no question ${question}`);
    const said = await ask(given as never);
    return said;
  };
  process.on('message', (message: { id: number; question: string; given: unknown }) => {
    answer(message).then(
      (said) => process.send?.({ id: message.id, answer: said }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

/** A script that runs Node in a namespace with `exec`, so that the process can be ended by its id. */
export async function nodeIn(namespace: string, folder: string): Promise<string> {
  const file = join(folder, `node-in-${namespace}`);
  // By its absolute path: the program may get an empty PATH.
  const ip = execFileSync('sh', ['-c', 'command -v ip'], { encoding: 'utf8' }).trim();
  await writeFile(file, `#!/bin/sh\nexec '${ip}' netns exec ${namespace} '${process.execPath}' "$@"\n`);
  await chmod(file, 0o755);
  return file;
}
