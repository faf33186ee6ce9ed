// Renders the chart with helm, as an administrator would.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../stage/objects.ts';
import { chartFolder } from './places.ts';

const execute = promisify(execFile);
const limits = { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };

export interface Rendering {
  readonly values?: object;
  readonly kubeVersion: string;
  readonly apiVersions?: readonly string[];
  readonly namespace?: string;
}

/** The output of `helm template`. Rejects with what helm prints if it refuses. */
export async function renderChart(helm: string, rendering: Rendering): Promise<string> {
  const { values = {}, kubeVersion, apiVersions = [], namespace = 'aad-pod-identity' } = rendering;
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-values-'));
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    const apis = apiVersions.flatMap((version) => ['--api-versions', version]);
    const options = ['--namespace', namespace, '--kube-version', kubeVersion, '--values', file, ...apis];
    const { stdout } = await execute(helm, ['template', 'pod-identity', chartFolder, ...options], limits);
    return stdout;
  } catch (error) {
    throw new Error(String((error as { readonly stderr?: unknown }).stderr ?? error), { cause: error });
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function objectsOf(text: string): readonly KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}
