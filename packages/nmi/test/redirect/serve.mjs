// A listener that answers with its name: node serve.mjs NAME HOST PORT. Says "up" when it listens; a line read makes it
// close as the agent does and say "closed".
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [name, host, port] = process.argv.slice(2);
let isClosing = false;
const server = createServer((request, response) => {
  response.setHeader('Server', name);
  if (isClosing) response.setHeader('Connection', 'close');
  response.end(`${name} ${request.socket.remoteAddress}`);
});
server.keepAliveTimeout = 60_000;
server.listen({ host, port: Number(port), reusePort: true }, () => console.log('up'));
createInterface({ input: process.stdin }).on('line', () => {
  isClosing = true;
  server.close(() => console.log('closed'));
  server.closeIdleConnections();
});
