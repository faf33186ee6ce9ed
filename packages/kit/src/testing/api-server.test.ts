import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startApiServer } from './api-server.ts';

afterEach(() => vi.unstubAllEnvs());

describe('without a test kit', () => {
  test('the reason is returned; if a kit is required, that is an error', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'pod-identity-kit-'));
    vi.stubEnv('POD_IDENTITY_KIT_DIR', empty);
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '');
    expect(await startApiServer()).toEqual({
      skipped: `there is no Kubernetes test kit at ${empty}. It is not public: .ci/run runs these tests where POD_IDENTITY_KIT_DIR names it`,
    });
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '1');
    await expect(startApiServer()).rejects.toThrow('no Kubernetes test kit');
    rmSync(empty, { recursive: true });
  });
});

/** A kit whose API server runs this shell script; `$1` is `up` or `down`, `$2` the state's folder, `$kit` the kit's own one. */
function kitWith(script: string): string {
  const kit = mkdtempSync(join(tmpdir(), 'pod-identity-kit-'));
  writeFileSync(join(kit, 'setup'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(kit, 'api-server'), `#!/bin/sh\nkit=${kit}\n${script}`, { mode: 0o755 });
  vi.stubEnv('POD_IDENTITY_KIT_DIR', kit);
  return kit;
}

describe('a kit whose port another API server took', () => {
  const inUse = `echo 'listen tcp 127.0.0.1:20799: bind: address already in use' >&2; exit 1`;
  const starts = (kit: string) => readFileSync(join(kit, 'log'), 'utf8').match(/^up$/gm)?.length;

  test('is started again', async () => {
    const kit = kitWith(`echo $1 >> $kit/log
      [ $1 = up ] || exit 0
      if [ ! -e $kit/tried ]; then touch $kit/tried; ${inUse}; fi
      mkdir $2; echo '{"server": "https://127.0.0.1:1"}' > $2/kit.json`);
    const api = await startApiServer();
    expect(api).toMatchObject({ server: 'https://127.0.0.1:1' });
    expect(starts(kit)).toBe(2);
    rmSync(kit, { recursive: true });
  });

  test('fails with its error after three starts', async () => {
    const kit = kitWith(`echo $1 >> $kit/log; [ $1 = up ] || exit 0; ${inUse}`);
    await expect(startApiServer()).rejects.toThrow('address already in use');
    expect(starts(kit)).toBe(3);
    rmSync(kit, { recursive: true });
  });

  test('fails at once with another error', async () => {
    const kit = kitWith(`echo $1 >> $kit/log; [ $1 = up ] || exit 0; echo 'no such flag' >&2; exit 1`);
    await expect(startApiServer()).rejects.toThrow('no such flag');
    expect(starts(kit)).toBe(1);
    rmSync(kit, { recursive: true });
  });
});
