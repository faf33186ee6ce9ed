import { createServer, type ListenOptions, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { listen } from './listen.ts';

const open: Server[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server[Symbol.asyncDispose]()));
});
const anywhere = { host: '127.0.0.1', port: 0 };

/** On a kernel that answers so when it is asked to share a port. */
const serverWhere = (code: string | undefined) => {
  const server = createServer();
  open.push(server);
  const plain = server.listen.bind(server) as (options: ListenOptions, then: () => void) => Server;
  const asked: ListenOptions[] = [];
  const odd = (options: ListenOptions, then: () => void) => {
    asked.push({ ...options });
    if (options.reusePort !== true || code === undefined) return plain(options, then);
    process.nextTick(() => server.emit('error', Object.assign(new Error(code), { code })));
    return server;
  };
  return { server: Object.assign(server, { listen: odd }), asked };
};

it('shares the port with the agent that replaces this one', async () => {
  const { server, asked } = serverWhere(undefined);
  await expect(listen(server, anywhere)).resolves.toBe('shared');
  expect(asked).toEqual([{ ...anywhere, reusePort: true }]);
});

it.each(['ENOTSUP', 'EOPNOTSUPP', 'ENOPROTOOPT', 'EINVAL'])(
  'listens alone where the kernel cannot share a port: %s',
  async (code) => {
    const { server } = serverWhere(code);
    await expect(listen(server, anywhere)).resolves.toBe('alone');
    expect(server.address()).not.toBeNull();
  },
);

it('fails with every other trouble', async () => {
  const { server, asked } = serverWhere('EADDRINUSE');
  await expect(listen(server, anywhere)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(asked).toHaveLength(1);
});

it('runs nothing else of the program while the process has another uid: files are opened with the rights of that uid', async () => {
  const seen: string[] = [];
  const { server } = serverWhere(undefined);
  const owner = {
    uid: 1,
    giveUp: () => undefined,
    begin: () => void seen.push('begin'),
    end: () => void seen.push('end'),
  };
  const listening = listen(server, anywhere, owner);
  for (let step = 0; step < 20; step += 1) {
    await Promise.resolve();
    if (seen.at(-1) === 'begin') seen.push('other');
  }
  await listening;
  expect(seen).toEqual(['begin', 'end']);
});
