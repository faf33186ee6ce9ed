// Room: `ui`: the report of the judge and the stories of pods, for a page on loopback that asks for them every few seconds.
// It must not write to the cluster, decide what `status` and `explain` decide, or answer anyone without the token.
import { randomBytes } from 'node:crypto';
import { aborted, createLimit, value } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import type { Finding } from '@pod-identity/policy';
import { parseOption } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { describeFailure } from '../cluster/connect.ts';
import { readStory } from '../explain/explain.ts';
import { readReport } from '../judge/read-report.ts';
import { readPageFiles } from './page-files.ts';
import { startPageServer, type PageServer, type PageServerOptions } from './server.ts';
import { createSharedRead } from './shared-read.ts';

export const uiCommand = createUiCommand(readPageFiles);

/** `readFiles`: what the build has made of the page. */
export function createUiCommand(readFiles: typeof readPageFiles): PlugInCommand {
  return {
    name: 'ui',
    summary: 'what waits and why, and the story of each pod: a page of this machine that follows the cluster',
    options: [{ flags: '--port <number>', what: 'port on 127.0.0.1; 0: one that is free', default: '0' }],
    examples: ['ui -A', 'ui -n shop --port 8080'],
    isEndless: true,
    run: async (session, { options: { port } }) =>
      servePage(session, { port: parseOption('port', ports, String(port)), files: await readFiles() }),
  };
}

/** Each lists the cluster. */
const storiesAtATime = 2;

async function servePage(session: Session, page: Pick<PageServerOptions, 'port' | 'files'>): Promise<number> {
  const { signal, out, clock, kube, namespace, clusterNote } = session;
  const [token, proof] = [randomText(), randomText()];
  const limit = createLimit(storiesAtATime);
  const read = <T>(reading: (session: Session) => Promise<T>, ended = signal): Promise<T> =>
    reading({ ...session, signal: AbortSignal.any([signal, ended]) }).catch((error: unknown) => {
      throw error instanceof KubeError ? new CommandProblem(describeFailure(kube.server, error)) : error;
    });
  const readStatus = async () => {
    const report = await read(readReport);
    const body = JSON.stringify({ server: kube.server, namespace, clusterNote, report });
    return { body, readAt: new Date(clock.now()).toISOString() };
  };
  const server = await listen({
    ...page,
    token,
    proof,
    readStatus: createSharedRead(clock, readStatus),
    readStory: (pod, ended) => limit(() => read((fresh) => readFindings(fresh, pod), ended)),
  });
  try {
    out.line(`http://127.0.0.1:${server.port}/#token=${token}.${proof}`);
    await aborted(signal);
    return exitCodes.ok;
  } finally {
    await server.close();
  }
}

/** What `explain` prints, the result first. */
async function readFindings(session: Session, pod: string): Promise<readonly Finding[]> {
  const [namespace = '', name = ''] = pod.split('/');
  const { result, findings } = await readStory(session, { namespace, name });
  return [result, ...findings];
}

const randomText = (): string => randomBytes(32).toString('base64url');

async function listen(options: PageServerOptions): Promise<PageServer> {
  try {
    return await startPageServer(options);
  } catch (error) {
    throw new CommandProblem(`port ${options.port} of 127.0.0.1 cannot be opened: ${String(error)}`);
  }
}

const ports = value.integer(0, { min: 0, max: 65_535 });
