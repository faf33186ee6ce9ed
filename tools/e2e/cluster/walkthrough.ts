// The commands of docs/administrator/walkthrough.md, run as they are written there.
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../stage/run-command.ts';
import { inDeploy, inDocs } from '../../stage/places.ts';
import { withState } from './rollout.ts';
import type { ClusterStage } from './stage.ts';

/** The commands of each section, by its heading. */
async function readWalkthrough(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(inDocs('administrator/walkthrough.md'), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const heading = section.slice(0, section.indexOf('\n'));
      const blocks = [...section.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, commands = '']) => commands);
      return [heading, blocks.join('')];
    }),
  );
}

export interface Reader {
  /** Runs a section's commands in one shell; returns what they print. */
  run(heading: string): Promise<string>;
}

/** A folder with a copy of deploy/ in which a reader of the page runs the commands, with `kubectl` for this cluster. */
export async function openReader(stage: ClusterStage, folder: string): Promise<Reader> {
  await cp(inDeploy('.'), join(folder, 'deploy'), { recursive: true });
  await trustSimulator(join(folder, 'deploy/demo/pod.yaml'));
  await mkdir(join(folder, 'bin'));
  const kubectl = join(folder, 'bin/kubectl');
  await writeFile(kubectl, kubectlFor(stage));
  await chmod(kubectl, 0o755);
  const sections = await readWalkthrough();
  return {
    run: async (heading) => {
      const commands = sections.get(heading);
      if (commands === undefined)
        throw new Error(`docs/administrator/walkthrough.md has no section '${heading}'`);
      // The images are in the nodes under the names of the manifests: printed-commands.real.test.ts looks at other registries.
      const settings = `set -e; cd '${folder}'; PATH='${folder}/bin':$PATH; REGISTRY=your-registry.invalid`;
      const script = `${settings}\n${commands}`;
      return withState(stage, async () => (await runCommand('bash', ['-c', script])).stdout);
    },
  };
}

/** kubectl 1.32 cannot validate by the schemas of Kubernetes 1.20. */
function kubectlFor({ cluster }: ClusterStage): string {
  const words = cluster
    .kubectl()
    .map((word) => `'${word}'`)
    .join(' ');
  // Without this program's own folder: it would call itself.
  return `#!/bin/sh
PATH='${process.env['PATH'] ?? ''}'
case $1 in
create | apply) verb=$1; shift; exec ${words} "$verb" --validate=false "$@" ;;
*) exec ${words} "$@" ;;
esac
`;
}

/** The vault of the test has a certificate of the simulator. */
async function trustSimulator(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const env = '      env:\n';
  const changed = text.replace(
    env,
    `      volumeMounts:
        - name: authority
          mountPath: /authority.pem
      env:
        - name: NODE_EXTRA_CA_CERTS
          value: /authority.pem
        - name: INTERVAL_SECONDS
          value: '1'
`,
  ).concat(`  volumes:
    - name: authority
      hostPath:
        path: /etc/kubernetes/authority.pem
        type: File
`);
  if (!changed.includes('NODE_EXTRA_CA_CERTS')) throw new Error(`${file} has no environment to extend`);
  await writeFile(file, changed);
}
