// Opens a watch, then drops its packets in its network namespace, which must be its own, and prints how the watch ends.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connectKube, KubeError } from '@pod-identity/kit/kube';

const server = createServer((_, response) => response.flushHeaders()).listen(8080, '127.0.0.1');
await once(server, 'listening');
const transport = await connectKube({ kubeconfig: process.argv[2] ?? '', userAgent: 'kit' });
const drop = [
  'add table inet kit',
  'add chain inet kit arriving { type filter hook input priority 0; }',
  'add rule inet kit arriving tcp sport 8080 drop',
  'add rule inet kit arriving tcp dport 8080 drop',
].join('; ');
const watching = transport.watch({
  method: 'GET',
  path: '/api/v1/pods',
  query: { watch: 'true' },
  onOpen: () => execFileSync('nft', [drop]),
});
try {
  for await (const event of watching) console.log(event);
} catch (error) {
  console.log(error instanceof KubeError ? `${error.code}: ${error.message}` : error);
}
process.exit();
