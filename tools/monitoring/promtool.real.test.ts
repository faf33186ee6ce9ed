// Everything that Prometheus is to read, read by its own tool. Rules are played against the worlds of rules.test.yaml.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { inDeploy } from '../stage/places.ts';
import { queries } from './files.ts';

const why = whyNoPrograms({ programs: ['promtool'] });
if (why !== undefined) console.log(`skipped: the rules against promtool (${why})`);

const deadlineMs = 120_000;
const good = { code: 0, output: expect.not.stringContaining('FAILED') as string };

function promtool(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile('promtool', [...args], { timeout: deadlineMs }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

describe.skipIf(why !== undefined)('with promtool', () => {
  it('the rules are valid', async () => {
    expect(await promtool('check', 'rules', inDeploy('monitoring/rules.yaml'))).toEqual(good);
  });

  it('each alert fires when it must and no other does, and none fires in a healthy cluster', async () => {
    const worlds = fileURLToPath(new URL('rules.test.yaml', import.meta.url));
    expect(await promtool('test', 'rules', worlds)).toEqual(good);
  });

  it('the sample configuration of Prometheus is valid', async () => {
    expect(
      await promtool('check', 'config', '--syntax-only', inDeploy('monitoring/scrape-config.yaml')),
    ).toEqual(good);
  });

  it('each query of the dashboard is PromQL', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'promtool-'));
    try {
      const file = join(folder, 'panels.yaml');
      const rules = queries.map((expr, index) => ({
        record: `panel:query_${index}`,
        expr: expr.replaceAll('$__rate_interval', '2m').replaceAll('$instance', '.*'),
      }));
      await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      expect(await promtool('check', 'rules', file)).toEqual(good);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
