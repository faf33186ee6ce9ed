// A small program of this folder in a network namespace of its own, asked by messages. It ends with whoever started it.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { within } from '../../stage/within.ts';

/** What a program can be asked: a name, what is given, what comes back. */
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
  /** For what is needed to start programs in namespaces. */
  readonly folder: string;
}

/** Questions that wait for something themselves have a shorter deadline. */
const patienceMs = 120_000;

/** @param file Of this folder; it calls `answerMessages`. */
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

/** The other side: answers until the one who asks is gone, then ends. */
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

/** Node in a namespace, as an executable file: its process is the one that is started, so that it can be ended by its id. */
export async function nodeIn(namespace: string, folder: string): Promise<string> {
  const file = join(folder, `node-in-${namespace}`);
  // By its whole path: the program may get a PATH with nothing in it.
  const ip = execFileSync('sh', ['-c', 'command -v ip'], { encoding: 'utf8' }).trim();
  await writeFile(file, `#!/bin/sh\nexec '${ip}' netns exec ${namespace} '${process.execPath}' "$@"\n`);
  await chmod(file, 0o755);
  return file;
}
