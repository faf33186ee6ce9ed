import { afterEach, expect, test, vi } from 'vitest';
import { connect, Denied } from './client.ts';

afterEach(() => void vi.unstubAllGlobals());

test.each([{}, { 'x-pod-identity-proof': 'another' }, { 'x-pod-identity-proof': 'the-token' }])(
  'attack: a program that has taken the port after the command, and sends %j, is not believed',
  async (headers) => {
    const fetching = vi.fn(() =>
      Promise.resolve(new Response('{"report":{}}', { headers: new Headers(headers) })),
    );
    vi.stubGlobal('fetch', fetching);
    const client = connect('the-token.the-proof');
    await expect(client.status()).rejects.toThrow(Denied);
    await expect(client.story('shop/web-0', new AbortController().signal)).rejects.toThrow(/Another program/);
    // What proves the server is never sent.
    expect(JSON.stringify(fetching.mock.calls)).not.toContain('the-proof');
  },
);
