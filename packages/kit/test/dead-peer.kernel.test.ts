// A watch whose peer is gone without a word, as after the loss of a machine or of a NAT entry: packets are dropped by the real kernel.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { kubeconfigFile } from './fixtures/server.ts';

const skipped = whyNoPrograms({ programs: ['ip', 'nft', 'unshare'], root: true });
if (skipped !== undefined) console.warn(`dead-peer.kernel.test.ts is skipped: ${skipped}`);

test.skipIf(skipped !== undefined)(
  'a watch whose packets are dropped ends within 30 s, by TCP keep-alive',
  { timeout: 60_000 },
  async () => {
    const program = fileURLToPath(new URL('dead-peer.program.ts', import.meta.url));
    const file = kubeconfigFile('http://127.0.0.1:8080');
    const inside = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
    const ended = promisify(execFile)('unshare', [...inside, process.execPath, program, file], {
      // With the start of the program on a busy machine.
      timeout: 38_000,
    });
    await expect(ended, 'the program prints within 38 s how its watch ended').resolves.toMatchObject({
      stdout: 'transport: aborted\n',
    });
  },
);
