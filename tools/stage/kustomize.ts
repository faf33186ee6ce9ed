// What `kubectl kustomize` makes of deploy/.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './objects.ts';
import { inDeploy } from './places.ts';

/** The objects of a folder of deploy/, in the order of `kubectl kustomize`: namespaces and definitions first. */
export const kustomize = (folder: string): KubeObject[] => render(inDeploy(folder));

/** deploy/base with these folders of deploy/components. */
export function baseWith(...components: readonly string[]): KubeObject[] {
  // Resolved, because kustomize compares real paths.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pod-identity-')));
  const from = (path: string) => relative(folder, realpathSync(inDeploy(path)));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [from('base')],
    components: components.map((name) => from(join('components', name))),
  };
  try {
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return render(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The folders of deploy/overlays that hold a kustomization, relative to deploy/. */
export function overlays(): string[] {
  return readdirSync(inDeploy('overlays'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('kustomization.yaml'))
    .map((path) => join('overlays', dirname(path)))
    .sort();
}

function render(folder: string): KubeObject[] {
  const text = execFileSync('kubectl', ['kustomize', folder], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}
