import { expect, it, vi } from 'vitest';
import { openEntraDoor } from './entra-door.ts';

const opened = vi.hoisted(() => vi.fn(() => ({})));
vi.mock('undici', () => ({
  EnvHttpProxyAgent: function agent(...options: []) {
    return opened(...options);
  },
  request: () => undefined,
}));

it('gives up a connection to Entra after five seconds, and has a few of them at most', () => {
  openEntraDoor();
  expect(opened).toHaveBeenCalledExactlyOnceWith({ connect: { timeout: 5_000 }, connections: 8 });
});
