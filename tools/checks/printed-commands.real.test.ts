// The commands of every way of installing, run as they are printed, with programs in place of kubectl and helm that print what the cluster would get.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findHelm } from '../chart/helm-for-tests.ts';
import { inDocs, repository } from '../stage/places.ts';
import { printedCommand, printedCommands } from '../stage/printed.ts';

const helm = await findHelm('4.2.3');
const missing = whyNoPrograms({ programs: ['kubectl'] }) ?? (helm.kind === 'missing' ? helm.why : undefined);
if (missing !== undefined) console.warn(`skipped the printed commands: ${missing}`);

/** Decisions quote commands that were measured; nobody installs by them. */
const docs = readdirSync(inDocs(''), { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.md') && name !== 'contributor/decisions.md',
);
const pages = [
  'README.md',
  'deploy/README.md',
  'charts/pod-identity/README.md',
  ...docs.map((name) => `docs/${name}`),
];
const installs = /\bkubectl (apply|create) .*(deploy\/|-f -)|\bhelm install\b.*charts\//;
const commands = pages.flatMap((page) =>
  printedCommands(page)
    .filter((command) => installs.test(command.replaceAll('\\\n', '')) && /deploy\/|charts\//.test(command))
    .map((command) => ({ page, command })),
);

/** Prints what would be applied or deleted. */
const kubectl = (real: string) => `#!/bin/sh
case " $* " in *" kustomize "*) exec '${real}' "$@" ;; esac
case " $* " in *" delete "*) echo "deletes: $*" ;; esac
case $1 in apply | create) ;; *) exit 0 ;; esac
while [ $# -gt 0 ]; do
  case $1 in
  -f) shift; if [ "$1" = - ]; then cat; else find -L "$1" -name '*.yaml' -exec cat {} +; fi ;;
  -k) shift; '${real}' kustomize "$1" ;;
  esac
  shift
done
`;
/** Other subcommands keep the values of the installation. */
const helmProgram = (real: string) => `#!/bin/sh
[ "$1" = install ] || exit 0
shift
exec '${real}' template "$@"
`;

describe.skipIf(missing !== undefined)('a printed command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-printed-'));
  const bin = join(folder, 'bin');
  const write = (name: string, text: string) => {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  };
  beforeAll(() => {
    mkdirSync(bin);
    for (const name of ['deploy', 'charts']) symlinkSync(join(repository, name), join(folder, name));
    const real = execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim();
    write('kubectl', kubectl(real));
    write('helm', helmProgram(helm.kind === 'found' ? helm.program : ''));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The images that a cluster would get. */
  const imagesOf = (command: string, registry: string) => {
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, REGISTRY: registry };
    const options = { cwd: folder, env, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 } as const;
    const { stdout } = spawnSync('bash', ['-c', command], options);
    return [...stdout.matchAll(/^[ -]*image: (.*)$/gm)].map(([, image = '']) => image.replaceAll('"', ''));
  };

  const pagesWithImages = new Set<string>();
  test.each(commands)(
    'of $page pulls from the administrator’s registry alone: $command',
    ({ page, command }) => {
      const images = imagesOf(command, 'registry.test/team');
      if (images.length > 0) pagesWithImages.add(page);
      for (const image of images)
        expect(image).toMatch(
          /^registry\.(test\/team|example\.com)\/aad-pod-identity\/(mic|nmi|keyvault-sample):0\.1\.0$/,
        );
      // Without a registry nothing is sent.
      if (images.length > 0 && !command.includes('REGISTRY=')) expect(imagesOf(command, '')).toEqual([]);
    },
  );

  test('a kustomization as the page prints it names the images by a digest or a tag of the administrator’s registry', () => {
    const page = readFileSync(join(repository, 'deploy/README.md'), 'utf8');
    const [, printed = ''] = /^```yaml\n(apiVersion: kustomize[^]*?)^```$/m.exec(page) ?? [];
    const mine = join(folder, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'kustomization.yaml'), printed);
    symlinkSync(repository, join(folder, 'pod-identity'));
    const images = imagesOf(`kubectl kustomize mine`, '');
    expect(new Set(images)).toEqual(
      new Set([
        `registry.example.com/aad-pod-identity/mic@sha256:${'0'.repeat(64)}`,
        'registry.example.com/aad-pod-identity/nmi:0.1.0-1',
      ]),
    );
  });

  test('to remove all deletes neither NMI nor an AzureIdentity in a shell in which no registry is set', () => {
    const removal = printedCommand('deploy/README.md', 'overlays/uninstall', 'delete azureidentitybindings');
    // A shell in which a person pastes the lines goes on after a failed one.
    const shell = spawnSync('bash', ['--norc', '-i'], {
      cwd: folder,
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      input: removal,
      encoding: 'utf8',
    });
    expect(shell.stdout.match(/^deletes: .*$/gm)).toEqual([
      'deletes: delete azureidentitybindings --all --all-namespaces',
    ]);
    expect(shell.stderr).toContain('REGISTRY: the registry that has your images');
  });

  test('is on each page that says how to install', () => {
    expect([...pagesWithImages].sort()).toEqual([
      'README.md',
      'charts/pod-identity/README.md',
      'deploy/README.md',
      'docs/administrator/from-the-original.md',
      'docs/administrator/walkthrough.md',
    ]);
  });
});
