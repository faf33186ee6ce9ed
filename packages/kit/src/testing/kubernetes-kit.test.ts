import { afterEach, expect, test, vi } from 'vitest';
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
