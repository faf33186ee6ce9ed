import { mkdtempSync, rmSync } from 'node:fs';
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
