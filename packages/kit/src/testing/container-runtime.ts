// The door to a node's container runtime: the few calls of the Container Runtime Interface (gRPC, v1) that tests need.
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { field, fieldsOf } from './protobuf-fields.ts';

export interface ContainerRuntime {
  /** The ids of the sandboxes that are not ready: stopped, or ended by themselves. */
  endedSandboxes(): Promise<readonly string[]>;
  /** The ids of the sandboxes that have containers, running or not. */
  sandboxesInUse(): Promise<ReadonlySet<string>>;
  removeSandbox(id: string): Promise<void>;
  close(): void;
}

const patienceMs = 10_000;

/** @param socket The path of the runtime's socket. */
export function connectRuntime(socket: string): ContainerRuntime {
  const session = connectHttp2('http://runtime', { createConnection: () => connect(socket) });
  // Each call fails with the session.
  session.on('error', () => undefined);
  return {
    endedSandboxes: async () => {
      const notReady = field(2, field(1, 1));
      const response = await call(session, 'ListPodSandbox', field(1, notReady));
      return fieldsOf(response, 1).map((sandbox) => String(fieldsOf(sandbox, 1)[0]));
    },
    sandboxesInUse: async () => {
      const response = await call(session, 'ListContainers', Buffer.alloc(0));
      return new Set(fieldsOf(response, 1).map((container) => String(fieldsOf(container, 2)[0])));
    },
    removeSandbox: async (id) => {
      await call(session, 'RemovePodSandbox', field(1, Buffer.from(id)));
    },
    close: () => session.destroy(),
  };
}

async function call(session: ClientHttp2Session, method: string, message: Buffer): Promise<Buffer> {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': `/runtime.v1.RuntimeService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    },
    { signal: AbortSignal.timeout(patienceMs) },
  );
  // In the headers if there is nothing else.
  let status: unknown;
  const read = (headers: Readonly<Record<string, unknown>>) => (status ??= headers['grpc-status']);
  stream.on('response', read).on('trailers', read);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  const body = await buffer(stream);
  if (status !== '0')
    throw new Error(`${method} of the container runtime failed with status ${String(status)}`);
  // After a byte and the length of the only message.
  return body.subarray(5);
}
