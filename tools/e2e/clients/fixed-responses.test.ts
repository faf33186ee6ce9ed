import { expect, test } from 'vitest';
import { whyOneAddress } from '@pod-identity/kit/testing';
import { openFixedServer } from './fixed-responses.ts';

const whySkipped = whyOneAddress();
if (whySkipped !== undefined)
  console.warn(`the test of addresses of fixed servers is skipped: ${whySkipped}`);

test.skipIf(whySkipped !== undefined)(
  'a server is not reached by who still sends requests to a program that had its port before',
  async () => {
    const server = await openFixedServer({ status: 429, again: 'chosen' });
    try {
      const { port } = new URL(server.url);
      await expect(fetch(`http://127.0.0.1:${port}/metadata/identity/oauth2/token`)).rejects.toThrow();
      expect(server.calls).toEqual([]);
      expect((await fetch(`${server.url}/metadata/identity/oauth2/token`)).status).toBe(429);
      expect(server.calls).toHaveLength(1);
    } finally {
      server.close();
    }
  },
);
