// A real cluster of one node with our images and a simulated Azure, and helm.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runHelm } from '../../chart/run-helm.ts';
import { createCleanup } from '../../stage/cleanup.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { withState } from '../cluster/rollout.ts';
import { openClusterStage, type ClusterStage } from '../cluster/stage.ts';

export interface ChartStage extends ClusterStage {
  /** Helm 4. Rejects with what helm printed if it fails. */
  helm(...args: readonly string[]): Promise<string>;
  /** Helm 3. */
  helm3(...args: readonly string[]): Promise<string>;
  /** Follows the log of a pod, from its beginning. */
  follow(pod: string): PrintedLines;
}

interface Programs {
  readonly helm: string;
  readonly helm3: string;
}

export async function openChartStage(programs: Programs): Promise<ChartStage> {
  const cleanup = createCleanup();
  try {
    const stage = await openClusterStage({ nodes: 1 });
    cleanup.add(() => stage.stop());
    const folder = await mkdtemp(join(tmpdir(), 'pod-identity-chart-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    return {
      ...stage,
      stop: () => cleanup.run(),
      helm: helmOf(programs.helm, stage, folder),
      helm3: helmOf(programs.helm3, stage, folder),
      follow: (pod) => {
        const [kubectl, ...words] = stage.cluster.kubectl('logs', '--follow', pod);
        const child = spawn(kubectl, words, { stdio: ['ignore', 'pipe', 'inherit'] });
        const lines = createPrintedLines(pod);
        createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
        child.once('close', () => lines.close('ended'));
        cleanup.add(() => child.kill());
        return lines;
      },
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

const helmOf =
  (program: string, stage: ClusterStage, folder: string): ChartStage['helm'] =>
  (...args) =>
    withState(stage, () => runHelm({ program, kubeconfig: stage.cluster.kubeconfig, folder }, args));
