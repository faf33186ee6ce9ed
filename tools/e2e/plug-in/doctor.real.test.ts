// `doctor` on a real API server: each planted mistake is found, and its remedy, run as printed, mends it.
import { execFile } from 'node:child_process';
import {
  startApiServer,
  whyNoApiServer,
  whyNoPrograms,
  type RunningApiServer,
} from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setPodStatus } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { repository } from '../../stage/places.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { mistakes } from './mistakes.ts';

const missing = whyNoApiServer() ?? whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`skipped doctor: ${missing}`);

interface Finding {
  readonly verdict: string;
  readonly text: string;
  readonly remedy?: { readonly paste?: string; readonly command?: string };
}
interface Report {
  readonly checks: readonly {
    readonly id: string;
    readonly findings: readonly { readonly finding: Finding }[];
  }[];
}

describe.skipIf(missing !== undefined)('doctor', () => {
  let api: RunningApiServer;
  let stage: Stage;

  const run = (command: string, input = '') =>
    new Promise<{ readonly code: number; readonly out: string }>((resolve) => {
      const env = { ...process.env, KUBECONFIG: api.kubeconfig };
      const child = execFile(
        'bash',
        ['-c', command],
        { cwd: repository, env, timeout: 60_000 },
        (error, out, err) =>
          resolve({
            code: typeof error?.code === 'number' ? error.code : Number(error !== null),
            out: `${out}${error ? err : ''}`,
          }),
      );
      // A command that reads nothing may have ended.
      child.stdin?.on('error', () => undefined).end(input);
    });
  const problemsOf = async (check: string): Promise<readonly Finding[]> => {
    const { out } = await run(
      `${process.execPath} packages/kubectl/dist/main.js doctor --check ${check} -o json`,
    );
    const { checks } = JSON.parse(out) as Report;
    return checks
      .flatMap(({ findings }) => findings.map(({ finding }) => finding))
      .filter(({ verdict }) => verdict === 'problem');
  };

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.34' });
    if ('skipped' in server) throw new Error(server.skipped);
    api = server;
    stage = await openStage({ kubeconfig: api.kubeconfig, nodes: 1 });
    await stage.install();
    await run(`kubectl label node ${names.nodeName(0)} kubernetes.io/os=linux`);
    const services = await run(
      'kubectl apply -f deploy/base/nmi/daemonset.yaml -f deploy/base/mic/deployment.yaml',
    );
    expect(services).toMatchObject({ code: 0 });
    const { out: uid } = await run(
      "kubectl -n aad-pod-identity get daemonset nmi -o jsonpath='{.metadata.uid}'",
    );
    // No controller runs here that would make it.
    const agent = await stage.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'nmi-0',
        namespace: 'aad-pod-identity',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid, controller: true }],
      },
      spec: { nodeName: names.nodeName(0), containers: [{ name: 'nmi', image: 'local.test/nmi:1' }] },
    } as never);
    await setPodStatus(stage.kube, agent, {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  }, 120_000);
  afterAll(async () => {
    await stage.stop();
    await api.stop();
  });

  test.each(mistakes)('$name', async ({ check, plant, shell = 'true' }) => {
    expect(await problemsOf(check)).toEqual([]);
    for (const object of plant) await stage.create(object);
    expect(await run(shell)).toMatchObject({ code: 0 });
    await expect.poll(() => problemsOf(check), { timeout: 20_000 }).not.toEqual([]);
    for (const { remedy } of await problemsOf(check)) {
      if (remedy?.paste !== undefined)
        expect(await run('kubectl apply -f -', remedy.paste)).toMatchObject({ code: 0 });
      if (remedy?.command !== undefined) expect(await run(remedy.command)).toMatchObject({ code: 0 });
    }
    await expect.poll(() => problemsOf(check), { timeout: 20_000 }).toEqual([]);
  });
});
