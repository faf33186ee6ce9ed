/** Text that grows and shrinks at its end. Holds bytes, since a character may arrive in two chunks. */
export interface KeptText {
  /** In bytes. */
  readonly length: number;
  /** Latin-1 text: bytes as they arrived. */
  add(text: string): void;
  addBytes(bytes: Buffer): void;
  /** The text after `start`. */
  textFrom(start: number): string;
  /** Removes the text after `start`. */
  takeBack(start: number): void;
}

/** Node takes Buffers of less than 4 KiB from one block, and allocates each of the others by itself. */
const firstBytes = 2 * 1024;

export function createKeptText(): KeptText {
  let buffer = Buffer.allocUnsafe(firstBytes);
  let length = 0;
  const makeRoom = (bytes: number) => {
    if (length + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * buffer.length, length + bytes));
    buffer.copy(grown, 0, 0, length);
    buffer = grown;
  };
  return {
    get length() {
      return length;
    },
    add(text) {
      makeRoom(text.length);
      length += buffer.write(text, length, 'latin1');
    },
    addBytes(bytes) {
      makeRoom(bytes.length);
      length += bytes.copy(buffer, length);
    },
    textFrom: (start) => buffer.toString('utf8', start, length),
    takeBack(start) {
      length = start;
    },
  };
}
