import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { limitHandshakes } from './handshakes.ts';

const stage = () => {
  const server = new EventEmitter();
  const secured: unknown[] = [];
  const closed: string[] = [];
  limitHandshakes(server, (socket) => secured.push(socket));
  let port = 0;
  const connect = (remoteAddress: string, name = remoteAddress, remotePort = (port += 1)) => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      remotePort,
      destroyed: false,
      destroy() {
        socket.destroyed = true;
        closed.push(name);
        socket.emit('close');
      },
    });
    server.emit('connection', socket);
    return socket;
  };
  /** TLS has a socket of its own for each connection. */
  const secure = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>) =>
    server.emit('secureConnection', { remoteAddress, remotePort });
  return { closed, connect, secure, secured, server };
};

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

it('attack: an address with handshakes without end loses its own oldest', () => {
  const { closed, connect } = stage();
  connect('10.0.0.2', 'other');
  for (const index of times(34)) connect('10.0.0.1', `${index}`);
  expect(closed).toEqual(['0', '1']);
});

it('attack: many addresses with handshakes without end close none of an address with fewer', () => {
  const { closed, connect } = stage();
  const agent = connect('10.0.0.2', 'agent');
  for (const index of times(3_000)) connect(`10.1.0.${index % 200}`, 'flood');
  expect(closed).not.toContain('agent');
  expect(closed).toHaveLength(3_001 - 512);
  expect(agent.destroyed).toBe(false);
});

it('a handshake that has ended, or whose connection is closed, does not count', () => {
  const { closed, connect, secure, secured } = stage();
  for (const index of times(100)) {
    const socket = connect('10.0.0.1');
    if (index % 2 === 0) secure(socket);
    else socket.emit('close');
  }
  expect(closed).toEqual([]);
  expect(secured).toHaveLength(50);
});

it('attack: a port that is used again before its reset connection is noticed hides no handshake', () => {
  const { closed, connect } = stage();
  for (const index of times(40)) {
    const reset = connect('10.0.0.1', 'reset', 50_000 + index);
    connect('10.0.0.1', `${index}`, 50_000 + index);
    reset.emit('close');
  }
  expect(closed.filter((name) => name !== 'reset')).toEqual(times(9).map(String));
});

it('a connection that is not admitted does not count', () => {
  const { closed, server } = stage();
  for (const port of times(40))
    server.emit('connection', { remoteAddress: '10.0.0.1', remotePort: port, destroyed: true });
  expect(closed).toEqual([]);
});

it('a connection without TLS is closed', () => {
  const { closed, connect, server } = stage();
  server.emit('tlsClientError', new Error('no TLS'), connect('10.0.0.1', 'plain'));
  expect(closed).toEqual(['plain']);
});
