import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { findNode20, whyNoNode20 } from './node-20.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-20-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** A program that says that it is this version. */
function nodeOf(version: string): string {
  const program = join(folder, version);
  writeFileSync(program, `#!/bin/sh\necho ${version}\n`);
  chmodSync(program, 0o755);
  return program;
}

describe('Node 20', () => {
  test('is the first program that says so, whatever it is called', () => {
    const node20 = nodeOf('v20.18.1');
    expect(findNode20([undefined, '', '/nonexistent', nodeOf('v24.1.0'), node20, nodeOf('v20.0.0')])).toBe(
      node20,
    );
    expect(findNode20([nodeOf('v24.1.0'), nodeOf('v200.0.0')])).toBeUndefined();
  });

  test('is looked for at POD_IDENTITY_SYSTEM_NODE first', () => {
    const node20 = nodeOf('v20.18.1');
    vi.stubEnv('POD_IDENTITY_SYSTEM_NODE', node20);
    expect(findNode20()).toBe(node20);
    vi.stubEnv('POD_IDENTITY_SYSTEM_NODE', nodeOf('v24.1.0'));
    expect(findNode20()).not.toBe(nodeOf('v24.1.0'));
  });

  test('that is missing skips a suite with a line, and fails in CI', () => {
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '');
    expect(whyNoNode20(findNode20([]))).toContain('nvm install 20');
    expect(whyNoNode20('/usr/bin/node')).toBeUndefined();
    vi.stubEnv('POD_IDENTITY_REQUIRE_KIT', '1');
    expect(() => whyNoNode20(findNode20([]))).toThrow('there is no Node 20 here');
  });
});
