// A name server with one address for each name of Azure: a cluster of the Kubernetes kit has no other.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const headerBytes = 12;
const addressType = 1;
const isAnswer = 0x8580;
const noSuchName = 3;

export async function openNameServer(
  host: string,
  addresses: Readonly<Record<string, string>>,
): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    socket.send(answer(query, addresses), port, address);
  });
  socket.bind(53, host);
  await once(socket, 'listening');
}

function answer(query: Buffer, addresses: Readonly<Record<string, string>>): Buffer {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const endOfQuestion = at + 5;
  const address = addresses[labels.join('.').toLowerCase()];
  const isAsked = query.readUInt16BE(at + 1) === addressType && address !== undefined;
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(isAnswer | (address === undefined ? noSuchName : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAsked ? 1 : 0, 6);
  const question = query.subarray(headerBytes, endOfQuestion);
  return Buffer.concat([header, question, ...(isAsked ? [record(address)] : [])]);
}

/** The name of the question, type A, class IN, valid for 60 s. */
function record(address: string): Buffer {
  const parts = address.split('.').map(Number);
  return Buffer.from([0xc0, headerBytes, 0, addressType, 0, 1, 0, 0, 0, 60, 0, parts.length, ...parts]);
}
