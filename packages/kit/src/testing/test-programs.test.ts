import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { whyNoPrograms } from './test-programs.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a suite whose programs are missing', () => {
  test('is skipped with a line that lists the programs and the command that installs them', () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '');
    expect(whyNoPrograms({ programs: ['conntrack', 'nft'] })).toBe(
      'missing: conntrack, nft. On Debian: apt-get install conntrack nftables',
    );
  });

  test('says that it needs root as well', () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '');
    vi.spyOn(process, 'getuid').mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(whyNoPrograms({ programs: ['flock'], root: true })).toBe(
      'it needs root on Linux: sudo node tools/workspace/bootstrap.mjs test:rest; missing: flock. On Debian: apt-get install util-linux',
    );
  });

  test('fails in CI', () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '1');
    expect(() => whyNoPrograms({ programs: ['flock'] })).toThrow('apt-get install util-linux');
  });
});

test('a suite runs if no program is missing', () => {
  expect(whyNoPrograms({ programs: [] })).toBeUndefined();
});
