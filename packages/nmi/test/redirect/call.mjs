// Calls on one connection: node call.mjs HOST PORT. For each line read it sends a request and says what came of it in one line.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [host, port] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
let socket;
const settle = { now: undefined };
const tell = (text) => {
  if (settle.now === undefined) return;
  settle.now = undefined;
  // Between requests the connection stays, however slow the machine is.
  socket.setTimeout(0);
  console.log(text);
};
const open = () => {
  socket = connect({ host, port: Number(port) });
  socket.setEncoding('utf8');
  socket.on('data', (text) => tell(text.split('\r\n\r\n')[1] ?? text));
  socket.on('timeout', () => socket.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
  socket.on('error', (error) => tell(error.code));
  socket.on('close', () => tell('CLOSED'));
};
// `new` closes the connection and calls on another one; `again` calls on the same.
lines.on('line', (line) => {
  settle.now = line;
  if (line === 'new' || socket === undefined) {
    socket
      ?.removeAllListeners()
      .on('error', () => undefined)
      .destroy();
    open();
  }
  socket.setTimeout(10_000);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', (error) => error && tell(error.code));
});
lines.on('close', () => process.exit(0));
console.log('up');
