/** Node takes Buffers of less than 4 KiB from one block, and allocates each of the others by itself. */
const firstBytes = 2 * 1024;

/** Text that grows and shrinks at its end. Holds bytes, since a character may arrive in two chunks. */
export class KeptText {
  /** In bytes. */
  length = 0;
  #buffer = Buffer.allocUnsafe(firstBytes);

  /** Latin-1 text: bytes as they arrived. */
  add(text: string): void {
    this.#makeRoom(text.length);
    this.length += this.#buffer.write(text, this.length, 'latin1');
  }

  addBytes(bytes: Buffer): void {
    this.#makeRoom(bytes.length);
    this.length += bytes.copy(this.#buffer, this.length);
  }

  /** The text after `start`. */
  textFrom(start: number): string {
    return this.#buffer.toString('utf8', start, this.length);
  }

  /** Removes the text after `start`. */
  takeBack(start: number): void {
    this.length = start;
  }

  #makeRoom(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.length + bytes));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}
