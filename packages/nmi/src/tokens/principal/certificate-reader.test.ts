import { generateKeyPairSync } from 'node:crypto';
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCertificateReader } from './certificate-reader.ts';

const elliptic = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' });

const pem = (text: string) => ({ kind: 'pem', text, password: '' }) as const;
const refusal = '{"fault":"it has no private key in PEM form"}';
const crypto = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = crypto.privateKey.export({ format: 'jwk' });
const good = { key, chain: ['MIIB'] };

/** A process that answers when it is told to. */
function stage() {
  const clock = createFakeClock();
  const started: { readonly text: string; end(answer?: string): Promise<void> }[] = [];
  const { read } = createCertificateReader({
    clock,
    reader: {
      run: (question) => {
        const { promise, resolve } = Promise.withResolvers<string | undefined>();
        const { content } = JSON.parse(question) as { content: string };
        const end = async (answer?: string) => {
          resolve(answer);
          await clock.advance(0);
        };
        started.push({ text: Buffer.from(content, 'base64').toString(), end });
        return promise;
      },
    },
  });
  const outcome = (promise: Promise<unknown>) =>
    promise.then(
      (read) => (typeof read === 'string' ? read : 'read'),
      (error: unknown) => error as Error,
    );
  return {
    clock,
    started,
    read: (namespace: string, text: string) => outcome(read(namespace, pem(text))),
    /** Ends the process that was started last. */
    end: async (answer?: string) => {
      await clock.advance(0);
      await last(started).end(answer);
    },
    lastText: async () => {
      await clock.advance(0);
      return last(started).text;
    },
  };
}

const last = <T>(items: readonly T[]): T => items.at(-1)!;

describe('reading certificates in a process of its own', () => {
  it('answers what the process found, or what is wrong', async () => {
    const { read, end } = stage();
    const first = read('a', '1');
    await end(JSON.stringify(good));
    expect(await first).toBe('read');
    const second = read('a', '2');
    await end(refusal);
    expect(await second).toBe('it has no private key in PEM form');
  });

  it.each(['P-256', 'P-384'])('believes a key of the curve %s', async (curve) => {
    const { read, end } = stage();
    const reading = read('a', 'x');
    await end(JSON.stringify({ ...good, key: elliptic(curve) }));
    expect(await reading).toBe('read');
  });

  it('tells what is wrong in the words of the process, of at most 400 characters', async () => {
    const { read, end } = stage();
    const reading = read('a', 'x');
    await end(JSON.stringify({ fault: 'a'.repeat(400) }));
    expect(await reading).toBe('a'.repeat(400));
  });

  it('keeps no certificate: the same one is read anew', async () => {
    const { read, started, end } = stage();
    for (let count = 1; count <= 2; count += 1) {
      const reading = read('a', 'x');
      await end(JSON.stringify(good));
      expect(await reading).toBe('read');
      expect(started).toHaveLength(count);
    }
  });

  it('that cannot be started is told so, to be tried again, and nothing is held against the certificate', async () => {
    const cause = new Error('no more processes');
    let isBroken = true;
    const reader = createCertificateReader({
      clock: createFakeClock(),
      reader: { run: () => (isBroken ? Promise.reject(cause) : Promise.resolve(refusal)) },
    });
    await expect(reader.read('a', pem('x'))).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 1_000,
      cause,
    });
    isBroken = false;
    await expect(reader.read('a', pem('x'))).resolves.toBe('it has no private key in PEM form');
  });

  it('starts none for what is larger than any certificate', async () => {
    const { read, started } = stage();
    expect(await read('a', 'x'.repeat(64 * 1024 + 1))).toMatch(/more than 65536 bytes/);
    expect(started).toEqual([]);
  });

  it('does not try again for ten minutes what was refused, or had to be killed, whatever else changes', async () => {
    const { read, started, clock, end } = stage();
    for (const answer of [refusal, undefined]) {
      const text = String(answer);
      const first = read('a', text);
      await end(answer);
      const told = await first;
      const before = started.length;
      await clock.advance(599_000);
      expect(await read('a', text)).toBe(told);
      expect(started).toHaveLength(before);
      await clock.advance(1_000);
      void read('a', text);
      await end(refusal);
      expect(started).toHaveLength(before + 1);
    }
  });

  it('a namespace that takes too long waits; another one does not', async () => {
    const { read, started, clock, end, lastText } = stage();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const reading = read('hostile', `slow ${attempt}`);
      await clock.advance(5_000);
      await end();
      expect(await reading).toMatch(/more time or memory/);
    }
    const before = started.length;
    const refused = await read('hostile', 'another');
    expect(refused).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) as number });
    expect(started).toHaveLength(before);
    void read('quiet', 'good');
    expect(await lastText()).toBe('good');
    await end(JSON.stringify(good));
    await clock.advance((refused as unknown as { retryAfterMs: number }).retryAfterMs);
    void read('hostile', 'another');
    expect(await lastText()).toBe('another');
  });

  it('of one namespace at most 64 wait', async () => {
    const { read, end, lastText } = stage();
    for (let index = 0; index <= 64; index += 1) void read('hostile', `${index}`);
    expect(await read('hostile', 'more')).toMatchObject({ code: 'unavailable' });
    void read('quiet', 'good');
    await end(refusal);
    expect(await lastText()).toBe('good');
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['a text with a line’s end', { fault: 'a\nb' }],
    ['a text that is long', { fault: 'a'.repeat(401) }],
    ['no certificate', { ...good, chain: [] }],
    ['many certificates', { ...good, chain: Array(17).fill('MIIB') as unknown }],
    ['a certificate that is no base64', { ...good, chain: ['<'] }],
    ['no key', { chain: good.chain }],
    ['a secret key', { ...good, key: { kty: 'oct', k: 'AAAA' } }],
    ['a key without primes', { ...good, key: { kty: 'RSA', n: key.n, e: key.e, d: key.d } }],
    ['a long modulus', { ...good, key: { ...key, n: 'A'.repeat(700) } }],
    ['a long prime', { ...good, key: { ...key, p: 'A'.repeat(400) } }],
    ['a long exponent', { ...good, key: { ...key, e: 'A'.repeat(20) } }],
    ['a curve that is no text', { ...good, key: { ...elliptic('P-256'), crv: 5 } }],
    [
      'a number that is too long for its curve',
      { ...good, key: { ...elliptic('P-256'), d: 'A'.repeat(64) } },
    ],
    ['a number that is too short for its curve', { ...good, key: { ...elliptic('P-256'), d: 'AAAA' } }],
    ['a point of another curve', { ...good, key: { ...elliptic('P-384'), crv: 'P-256' } }],
    ['a point that is none', { ...good, key: { ...elliptic('P-256'), x: 'A'.repeat(43) } }],
    ['another curve', { ...good, key: { kty: 'EC', crv: 'P-521', x: 'A', y: 'A', d: 'A' } }],
    ['half a curve', { ...good, key: { kty: 'EC', crv: 'P-256', x: 'A', y: 'A', d: 'A' } }],
    ['a number instead of a key', { ...good, key: 5 }],
  ])('does not believe a process that answers %s', async (_, answer) => {
    const { read, end } = stage();
    const reading = read('a', 'x');
    await end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    expect(await reading).toMatch(/more time or memory/);
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
        } else if (ended < begun) await started[ended++]?.end(refusal);
        for (; begun < started.length; begun += 1) overtaking.turn(started[begun]!.text.slice(0, 1));
        expect(begun - ended).toBeLessThanOrEqual(1);
        for (const names of overtaking.by.values()) expect(new Set(names).size).toBe(names.length);
      }
    }),
    { numRuns: 60 },
  );
});
