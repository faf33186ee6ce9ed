import { expect, it, vi } from 'vitest';
import { openEntraConnection } from './entra-connection.ts';

const opened = vi.hoisted(() => vi.fn(() => ({})));
vi.mock('undici', () => ({
  EnvHttpProxyAgent: function agent(...options: []) {
    return opened(...options);
  },
  request: () => undefined,
}));

it('gives up a connection to Entra after five seconds, and has a few of them at most', () => {
  openEntraConnection();
  expect(opened).toHaveBeenCalledExactlyOnceWith({ connect: { timeout: 5_000 }, connections: 8 });
});
