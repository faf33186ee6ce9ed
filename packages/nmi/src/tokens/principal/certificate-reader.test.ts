import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCertificateReader } from './certificate-reader.ts';
import type { OpensslInput, Ran } from './openssl.ts';

const pfx = (text: string) => ({ kind: 'pfx', bytes: Buffer.from(text), password: '' }) as const;
const refusal = /no PKCS#12 file that can be decrypted/;

/** An openssl that ends when it is told to. */
function stage() {
  const clock = createFakeClock();
  const started: { readonly text: string; end(ran: Ran): Promise<void> }[] = [];
  const { read } = createCertificateReader({
    clock,
    openssl: {
      run: ({ content }) => {
        const { promise, resolve } = Promise.withResolvers<Ran>();
        const end = async (ran: Ran) => {
          resolve(ran);
          await clock.advance(0);
        };
        started.push({ text: content.toString(), end });
        return promise;
      },
    },
  });
  const outcome = (promise: Promise<unknown>) =>
    promise.then(
      (found) => (typeof found === 'string' ? found : 'read'),
      (error: unknown) => error as Error,
    );
  return {
    clock,
    started,
    read: (namespace: string, text: string) => outcome(read(namespace, pfx(text))),
    /** Ends the child that was started last. */
    end: async (ran: Ran) => {
      await clock.advance(0);
      await started.at(-1)!.end(ran);
    },
    lastText: async () => {
      await clock.advance(0);
      return started.at(-1)!.text;
    },
  };
}

describe('reading certificates by openssl', () => {
  it('says what is wrong', async () => {
    const { read, end } = stage();
    const first = read('a', '1');
    await end({ output: '' });
    expect(await first).toBe('it has no private key');
    const second = read('a', '2');
    await end('failed');
    expect(await second).toMatch(refusal);
    const third = read('a', '3');
    await end('killed');
    expect(await third).toMatch(/more than 3 seconds .*fewer rounds/);
  });

  it('that cannot be started is told so, to be tried again', async () => {
    const cause = new Error('no more processes');
    const reader = createCertificateReader({
      clock: createFakeClock(),
      openssl: { run: () => Promise.reject(cause) },
    });
    await expect(reader.read('a', pfx('x'))).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 1_000,
      cause,
    });
  });

  it.each<[string, Parameters<ReturnType<typeof createCertificateReader>['read']>[1], RegExp]>([
    ['a file of more than 64 KiB', pfx('x'.repeat(65_537)), /more than 65536 bytes/],
    [
      'a PEM of more than 64 KiB',
      { kind: 'pem', text: 'ä'.repeat(32_769), password: '' },
      /more than 65536 bytes/,
    ],
    ['a password that openssl would cut', { ...pfx('x'), password: 'ä'.repeat(501) }, /more than 1000 bytes/],
    ['a password of two lines', { ...pfx('x'), password: 'a\nb' }, /line break/],
    ['a PEM without a key', { kind: 'pem', text: 'none', password: '' }, /no private key in PEM form/],
  ])('starts none for %s', async (_, stored, text) => {
    const inputs: OpensslInput[] = [];
    const { read } = createCertificateReader({
      clock: createFakeClock(),
      openssl: { run: (input) => Promise.resolve<Ran>((inputs.push(input), 'failed')) },
    });
    expect(await read('a', stored)).toMatch(text);
    expect(inputs).toEqual([]);
    expect(await read('a', { ...pfx('x'.repeat(65_536)), password: 'ä'.repeat(500) })).toMatch(refusal);
    expect(inputs).toHaveLength(1);
  });

  it('attack: a namespace that takes too long waits; another one does not', async () => {
    const { read, started, clock, end, lastText } = stage();
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const reading = read('hostile', `slow ${attempt}`);
      await clock.advance(3_000);
      await end('killed');
      expect(await reading).toMatch(/fewer rounds/);
    }
    const before = started.length;
    const refused = await read('hostile', 'another');
    expect(refused).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) as number });
    expect(started).toHaveLength(before);
    void read('quiet', 'good');
    expect(await lastText()).toBe('good');
    await end('failed');
    await clock.advance((refused as unknown as { retryAfterMs: number }).retryAfterMs);
    void read('hostile', 'another');
    expect(await lastText()).toBe('another');
  });

  it('attack: of one namespace at most 64 wait', async () => {
    const { read, end, lastText } = stage();
    for (let index = 0; index <= 64; index += 1) void read('hostile', `${index}`);
    expect(await read('hostile', 'more')).toMatchObject({ code: 'unavailable' });
    void read('quiet', 'good');
    await end('failed');
    expect(await lastText()).toBe('good');
  });
});

/** By whom each namespace that waits was overtaken since it last had a turn. */
function createOvertaking() {
  const waiting: string[] = [];
  const by = new Map<string, string[]>();
  return {
    by,
    wait: (namespace: string) => void waiting.push(namespace),
    turn(namespace: string) {
      waiting.splice(waiting.indexOf(namespace), 1);
      by.delete(namespace);
      const others = new Set(waiting);
      others.delete(namespace);
      for (const name of others) by.set(name, [...(by.get(name) ?? []), namespace]);
    },
  };
}

it('in whatever order certificates come, one is read at a time and each waits for one of each other namespace at most', async () => {
  const step = fc.constantFrom('a', 'b', 'c', 'end');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { read, started, clock } = stage();
      const overtaking = createOvertaking();
      let [begun, ended] = [0, 0];
      for (const [index, one] of steps.entries()) {
        if (one !== 'end') {
          overtaking.wait(one);
          void read(one, `${one} ${index}`);
          await clock.advance(0);
        } else if (ended < begun) await started[ended++]?.end('failed');
        for (; begun < started.length; begun += 1) overtaking.turn(started[begun]!.text.slice(0, 1));
        expect(begun - ended).toBeLessThanOrEqual(1);
        for (const names of overtaking.by.values()) expect(new Set(names).size).toBe(names.length);
      }
    }),
    { numRuns: 60 },
  );
});
