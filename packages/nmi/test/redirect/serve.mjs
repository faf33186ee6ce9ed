// A listener that answers with its name: node serve.mjs NAME HOST PORT. Says "up" when it listens.
import { createServer } from 'node:http';

const [name, host, port] = process.argv.slice(2);
createServer((request, response) => {
  response.setHeader('Server', name);
  response.end(`${name} ${request.socket.remoteAddress}`);
}).listen(Number(port), host, () => console.log('up'));
