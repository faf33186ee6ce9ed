import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keepRunning, type Kept } from './kept.ts';
import type { Terminal } from './terminal.ts';

test('what --keep prints puts the plug-in on the PATH of kubectl, and names its page', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kept-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const azure = { vaultUrl: () => 'https://vault.test', imdsUrl: () => 'http://imds.test', caFile: '/ca' };
  const kept = {
    stage: { folder, kubeconfig: 'kubeconfig', sim: { azure } },
    sample: { line: () => Promise.resolve('web page on http://sample.test') },
    podUrl: 'http://pod.test',
    isSimulated: false,
  } as unknown as Kept;
  const commands: string[] = [];
  const terminal = {
    print: () => undefined,
    command: (...lines: readonly string[]) => void commands.push(...lines),
  } as unknown as Terminal;
  void keepRunning(kept, terminal);
  await expect.poll(() => commands).toContain('kubectl azure-pod-identity ui');
  const [, bin = ''] = /^export PATH=(.+):\$PATH$/m.exec(commands.join('\n')) ?? [];
  await access(join(bin, 'kubectl-azure_pod_identity'), constants.X_OK);
});
