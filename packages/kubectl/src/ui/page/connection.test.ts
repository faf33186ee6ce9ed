import { afterEach, expect, test, vi } from 'vitest';
import type { PodStory } from '../picture.ts';
import { connect } from './connection.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const story: PodStory = { pod: 'shop/web-0', findings: [], events: [], tokens: [], unknown: [] };

/** Returns what was sent as the token. */
function answerWith(
  proof: string | undefined,
  body = JSON.stringify(story),
  status = 200,
): readonly string[] {
  const sent: string[] = [];
  vi.stubGlobal('fetch', (_: string, { headers }: { headers: Record<string, string> }) => {
    sent.push(headers['x-pod-identity-token'] ?? '');
    return Promise.resolve(
      new Response(body, { status, headers: proof === undefined ? {} : { 'x-pod-identity-proof': proof } }),
    );
  });
  return sent;
}

test('the server that has the other half of the token is believed', async () => {
  const sent = answerWith('the-proof');
  await expect(
    connect('the-token.the-proof').story('shop/web-0', new AbortController().signal),
  ).resolves.toEqual(story);
  expect(sent).toEqual(['the-token']);
});

test('a server that reads enough already is quoted', async () => {
  answerWith('the-proof', '8 are being read already: try again in 5 seconds', 429);
  const asking = connect('the-token.the-proof').checks();
  await expect(asking).rejects.toThrow(/^8 are being read already: try again in 5 seconds$/);
});

test.each([undefined, '', 'the-token', 'another'])(
  'attack: a program that has taken the port after the command, and sends %j, is not believed',
  async (proof) => {
    answerWith(proof, 'event: picture\ndata: {}\n\n');
    const source = connect('the-token.the-proof');
    await expect(source.story('shop/web-0', new AbortController().signal)).rejects.toThrow(
      /^Another program responds/,
    );
    const pictures: unknown[] = [];
    const problem = await new Promise<string>((resolve) =>
      source.follow({ picture: (one) => void pictures.push(one), problem: resolve }),
    );
    expect(problem).toMatch(/^Another program responds/);
    expect(pictures).toEqual([]);
  },
);
