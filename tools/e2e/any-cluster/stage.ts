// What the tests on a cluster that was given do there: pods that request tokens, by the API server and kubectl alone.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { connectKube } from '@pod-identity/kit/kube';
import { createCleanup } from '../../stage/cleanup.ts';
import * as names from '../../stage/names.ts';
import { applyObject } from '../../stage/objects.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { runCommand } from '../../stage/run-command.ts';
import { askingPod, type AskingSpec } from '../cluster/asking.ts';
import { isToken, tokenOf } from '../cluster/scene.ts';
import { identityObjects } from '../objects.ts';
import type { Given, GivenIdentity } from './given.ts';
import { testNamespaces } from './objects.ts';

export interface GivenStage {
  kubectl(...args: readonly string[]): Promise<string>;
  /** Restarts NMI on all nodes. */
  restartNmi(): Promise<void>;
  /** Starts a pod; returns its results, from the beginning. */
  start(spec: AskingSpec): Promise<PrintedLines>;
  /** Writes the AzureIdentity `own` of a namespace, and its binding. */
  bind(namespace: string, identity: GivenIdentity): Promise<void>;
  stop(): Promise<void>;
}

export const system = ['--namespace', names.systemNamespace] as const;
export const tokensOf = ({ all }: PrintedLines): readonly string[] => [
  ...new Set(all.filter(isToken).map(tokenOf)),
];

export async function openGivenStage(given: Given): Promise<GivenStage> {
  const cleanup = createCleanup();
  const kube = await connectKube({ kubeconfig: given.kubeconfig, userAgent: 'pod-identity-e2e' });
  cleanup.add(() => kube.close());
  const kubectl = async (...args: readonly string[]) =>
    (await runCommand('kubectl', ['--kubeconfig', given.kubeconfig, ...args])).stdout;
  return {
    kubectl,
    restartNmi: async () => {
      await kubectl('rollout', 'restart', ...system, 'daemonset/nmi');
      await kubectl('rollout', 'status', '--timeout=110s', ...system, 'daemonset/nmi');
    },
    start: async (spec) => {
      const { namespace = testNamespaces[0] } = spec;
      const image = `${given.images}/nmi:${given.tag}`;
      await applyObject(kube, askingPod({ ...spec, namespace, image, isSilent: true }));
      const place = ['--namespace', namespace];
      await kubectl(
        'wait',
        '--timeout=110s',
        '--for=condition=ContainersReady',
        ...place,
        `pod/${spec.name}`,
      );
      const child = spawn(
        'kubectl',
        ['--kubeconfig', given.kubeconfig, 'logs', '--follow', ...place, spec.name],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      cleanup.add(() => child.kill());
      const lines = createPrintedLines(spec.name);
      createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
      child.once('close', () => lines.close('ended'));
      return lines;
    },
    bind: async (namespace, identity) => {
      for (const object of identityObjects({ name: 'own', namespace, ...identity }))
        await applyObject(kube, object);
    },
    stop: () => cleanup.run(),
  };
}
