import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  encryptKey,
  makeCertificate,
  makePfx,
  whyNoCertificates,
  type Made,
} from '../../../test/certificates.ts';
import { createReaderProcess } from './reader-process.ts';
import { readRequestOf, parseReadResponse } from './reader-messages.ts';

afterEach(() => vi.unstubAllEnvs());

const clock = createFakeClock();
/** A program in the reader's place. */
const program = (text: string) => createReaderProcess(clock, { args: ['-e', text] });

describe.skipIf(whyNoCertificates !== undefined)('the program that reads certificates', () => {
  let rsa: Made;
  beforeAll(() => (rsa = makeCertificate('rsa')));

  it.each<[string, () => Parameters<typeof readRequestOf>[0]]>([
    ['PEM', () => ({ kind: 'pem', text: rsa.key + rsa.certificate, password: '' })],
    [
      'encrypted PEM',
      () => ({ kind: 'pem', text: encryptKey(rsa.key, 'p') + rsa.certificate, password: 'p' }),
    ],
    ['PKCS#12', () => ({ kind: 'pfx', bytes: makePfx(rsa, 'p'), password: 'p' })],
    ['old PKCS#12', () => ({ kind: 'pfx', bytes: makePfx(rsa, 'p', '-legacy'), password: 'p' })],
  ])('reads %s', async (_, stored) => {
    const answer = await createReaderProcess(clock).run(JSON.stringify(readRequestOf(stored())));
    expect(parseReadResponse(answer ?? '')).toMatchObject({ chain: [{}], key: { asymmetricKeyType: 'rsa' } });
  });
});

describe('the process that reads certificates', () => {
  it('is killed at its limit, although it hears no signal and answers nothing', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { run } = createReaderProcess(
      {
        after: (ms, bark) => {
          expect(ms).toBe(5_000);
          void promise.then(bark);
          return { cancel: () => undefined };
        },
      },
      { args: ['-e', "process.on('SIGTERM', () => {}); for (;;);"] },
    );
    const running = run('');
    resolve(undefined);
    expect(await running).toBeUndefined();
  });

  it('is killed when it answers without end', async () => {
    expect(
      await program("const say = () => process.stdout.write('x'.repeat(65536), say); say()").run(''),
    ).toBeUndefined();
  });

  it('may answer with 256 KiB, and its timer ends with it', async () => {
    const own = createFakeClock();
    const text = "process.stdout.write('x'.repeat(262144))";
    expect(await createReaderProcess(own, { args: ['-e', text] }).run('')).toHaveLength(262_144);
    expect(own.pending).toBe(0);
  });

  it('is not held up by what it writes to its standard error', async () => {
    const text = "require('fs').writeSync(2, 'x'.repeat(1048576)); process.stdout.write('done')";
    expect(await program(text).run('')).toBe('done');
  });

  it.each([
    ['fails', 'process.exit(1)'],
    ['runs out of memory', 'const all = []; for (;;) all.push(new Array(1e6).fill(0))'],
  ])('that %s has no answer', async (_, text) => {
    const { run } = createReaderProcess(clock, { args: ['--max-old-space-size=32', '-e', text] });
    expect(await run('a question')).toBeUndefined();
  });

  it('cannot be started: told as a failure', async () => {
    const { run } = createReaderProcess(clock, { command: '/nowhere/node' });
    await expect(run('')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gets neither the question nor this process’s environment by argument or environment', async () => {
    vi.stubEnv('AZURE_CLIENT_SECRET', 'hidden');
    const text = 'console.log(JSON.stringify([process.argv, process.execArgv, process.env]))';
    const seen = await program(text).run('hidden');
    expect(seen).toContain('MALLOC_ARENA_MAX');
    expect(seen).not.toContain('hidden');
  });

  it('is killed when the agent ends', async () => {
    const reader = program('for (;;);');
    const running = reader.run('');
    reader.close();
    expect(await running).toBeUndefined();
  });
});
