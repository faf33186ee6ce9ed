// A noisy pod: connections that are never idle, until this process is ended.
import { connect } from 'node:net';

const [host = '', port = '', localAddress = '', path = ''] = process.argv.slice(2);
const connections = 64;
/** A connection with more unanswered requests would be closed. */
const pipelined = 4;
const batch = `GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`.repeat(pipelined);
const answerHead = Buffer.from('HTTP/1.1 ');

function hammer(): void {
  const socket = connect({ host, port: Number(port), localAddress });
  let under = 0;
  socket.on('connect', () => {
    under = pipelined;
    socket.write(batch);
  });
  socket.on('data', (chunk) => {
    for (let at = chunk.indexOf(answerHead); at >= 0; at = chunk.indexOf(answerHead, at + 1)) under -= 1;
    if (under > 0) return;
    under = pipelined;
    socket.write(batch);
  });
  socket.on('error', () => undefined);
  // Reconnects if the connection is closed.
  socket.on('close', () => setTimeout(hammer, 10));
}

for (let count = 0; count < connections; count += 1) hammer();
// Ends with its parent process.
process.stdin.on('end', () => process.exit()).resume();
process.stdout.write('hammering\n');
