// `ui`: the picture of who may be whom, on a page of this machine.
import { randomBytes } from 'node:crypto';
import { aborted, createLimit, value } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import { parseOption } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { describeFailure } from '../cluster/connect.ts';
import { readServices, type Services } from '../cluster/services.ts';
import { readClusterChecks } from './cluster-checks.ts';
import { readPageFiles } from './page-files.ts';
import { readPodStory } from './pod-story.ts';
import { openLivePictures } from './live-pictures.ts';
import { startPageServer, type PageServer, type PageServerOptions } from './server.ts';

export const uiCommand = createUiCommand(readPageFiles);

/** `readFiles`: what the build has made of the page. */
export function createUiCommand(readFiles: typeof readPageFiles): PlugInCommand {
  return {
    name: 'ui',
    summary: 'the picture of who may be whom: a page of this machine that follows the cluster',
    options: [{ flags: '--port <number>', what: 'port on 127.0.0.1; 0: one that is free', default: '0' }],
    examples: ['ui -A', 'ui -n shop --port 8080'],
    isEndless: () => true,
    run: async (session, { options: { port } }) =>
      servePage(session, { port: parseOption('port', ports, String(port)), files: await readFiles() }),
  };
}

/** Stories and checks: each lists the cluster again. */
const readsAtATime = 2;

async function servePage(session: Session, page: Pick<PageServerOptions, 'port' | 'files'>): Promise<number> {
  const { signal, out } = session;
  const { pictures, run } = await openLivePictures(session);
  const [token, proof] = [randomText(), randomText()];
  const limit = createLimit(readsAtATime);
  const read = <T>(ended: AbortSignal, reading: (session: Session) => Promise<T>): Promise<T> =>
    limit(() => reading(withFreshServices({ ...session, signal: AbortSignal.any([signal, ended]) }))).catch(
      (error: unknown) => {
        throw error instanceof KubeError
          ? new CommandProblem(describeFailure(session.kube.server, error))
          : error;
      },
    );
  const server = await listen({
    ...session,
    ...page,
    token,
    proof,
    pictures,
    readStory: (pod, ended) => read(ended, (fresh) => readPodStory(fresh, pod)),
    readChecks: (ended) => read(ended, readClusterChecks),
  });
  try {
    out.line(`http://127.0.0.1:${server.port}/#token=${token}.${proof}`);
    await Promise.race([aborted(signal), run(signal)]);
    return exitCodes.ok;
  } finally {
    await server.close();
  }
}

const randomText = (): string => randomBytes(32).toString('base64url');

/** The page may be open for days: services are looked for again. */
function withFreshServices(session: Session): Session {
  const { kube, signal } = session;
  let services: Promise<Services> | undefined;
  return { ...session, services: () => (services ??= readServices({ kube, signal })) };
}

async function listen(options: PageServerOptions): Promise<PageServer> {
  try {
    return await startPageServer(options);
  } catch (error) {
    throw new CommandProblem(`port ${options.port} of 127.0.0.1 cannot be opened: ${String(error)}`);
  }
}

const ports = value.integer(0, { min: 0, max: 65_535 });
