import { Readable } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => vi.restoreAllMocks());

it('reads one question from standard input and writes the answer to standard output', async () => {
  vi.resetModules();
  const question = { kind: 'pem', content: Buffer.from('none').toString('base64'), password: '' };
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(
    Readable.from([JSON.stringify(question)]) as unknown as typeof process.stdin,
  );
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await import('./main.ts');
  expect(write).toHaveBeenCalledExactlyOnceWith('{"fault":"it has no private key in PEM form"}');
});
