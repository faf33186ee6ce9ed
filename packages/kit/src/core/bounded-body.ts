/** The part of Node's readable streams that is used here. */
export interface ByteStream {
  readonly destroyed: boolean;
  readonly errored?: Error | null;
  on(event: 'data', listener: (part: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  destroy(): unknown;
}

/**
 * The whole body; undefined if it is longer than the limit: the stream is then destroyed. Rejects when the stream ends early. Uses
 * events, because iterating over a stream costs more than all other work on a short body.
 */
export function readUpTo(body: ByteStream, limit: number): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  const cutOff = () => reject(body.errored ?? new Error('the answer was cut off before its end'));
  if (body.destroyed) {
    cutOff();
    return promise;
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  let isOver = false;
  body.on('data', (part) => {
    size += part.length;
    if (size <= limit) parts.push(part);
    else {
      resolve(undefined);
      body.destroy();
    }
  });
  body.on('end', () => {
    isOver = true;
    resolve(Buffer.concat(parts));
  });
  body.on('error', reject);
  body.on('close', () => {
    if (!isOver) cutOff();
  });
  return promise;
}
