import { afterEach, expect, test, vi } from 'vitest';
import { whyNoCluster } from './cluster.ts';
import { arePackagesRequired } from './kubernetes-kit.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['', '', false],
  ['', '1', true],
  ['1', '', true],
])(
  'what npm fetches for a suite may not be missing where the kit (%j) or it alone (%j) is required',
  (kit, packages, required) => {
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', kit);
    vi.stubEnv('POD_IDENTITY_REQUIRE_PACKAGES', packages);
    expect(arePackagesRequired()).toBe(required);
  },
);

test('a suite on a real cluster names no programs to install while there is no kit', () => {
  vi.stubEnv('PATH', '/nonexistent');
  vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '');
  vi.stubEnv('POD_IDENTITY_KIT_DIR', '/nonexistent');
  expect(whyNoCluster()).toMatch(/^there is no Kubernetes test kit at \/nonexistent\. /);
});
