const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const space = 0x20;
/** Brackets of either kind, once bit 0x20 is set. */
const open = 0x7b;
const close = 0x7d;
const bracketBit = 0x20;
/** Bytes of a string to check one by one before a native search is faster. */
const nearBytes = 64;

/** Finds the end of one JSON value in chunks that may end anywhere, by strings and brackets only. */
export class ValueScanner {
  isDone = false;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  /** The next byte is the first of a value. */
  begin(): void {
    this.isDone = false;
    this.#depth = 0;
    this.#inString = false;
    this.#isEscaped = false;
  }

  /** The end of the value in this chunk, or the chunk's end if it continues. */
  scan(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && !this.isDone) {
      at = this.#inString ? this.#leaveString(chunk, at) : this.#nextString(chunk, at);
    }
    return at;
  }

  /** Moves to the byte after the next opening quote, or to the end of the value. */
  // eslint-disable-next-line complexity -- one loop over every byte of every answer
  #nextString(chunk: Buffer, start: number): number {
    let depth = this.#depth;
    let at = start;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const bracket = byte | bracketBit;
      if (byte === quote) {
        this.#inString = true;
        at += 1;
        break;
      }
      if (bracket === open) depth += 1;
      else if (depth === 0 && (bracket === close || byte === comma || byte <= space)) return this.#end(at);
      else if (bracket === close && --depth === 0) return this.#end(at + 1);
    }
    this.#depth = depth;
    return at;
  }

  #end(at: number): number {
    this.isDone = true;
    return at;
  }

  /** Moves to the byte after the closing quote. */
  // eslint-disable-next-line complexity -- one loop over every byte of every answer
  #leaveString(chunk: Buffer, start: number): number {
    let at = this.#isEscaped ? start + 1 : start;
    this.#isEscaped = false;
    while (at < chunk.length) {
      const far = Math.min(chunk.length, at + nearBytes);
      for (; at < far; at += 1) {
        const byte = chunk[at];
        if (byte === quote) return this.#closeString(at + 1);
        if (byte === backslash) at += 1;
      }
      if (at >= chunk.length) break;
      const found = chunk.indexOf(quote, at);
      const end = found === -1 ? chunk.length : found;
      const isEscaped = backslashesBefore(chunk, at, end) % 2 === 1;
      if (found !== -1 && !isEscaped) return this.#closeString(end + 1);
      at = isEscaped ? end + 1 : end;
    }
    // The last byte of the chunk was a backslash.
    this.#isEscaped = at > chunk.length;
    return chunk.length;
  }

  #closeString(at: number): number {
    this.#inString = false;
    this.isDone = this.#depth === 0;
    return at;
  }
}

/** Number of backslashes right before `end`, down to `start`. */
function backslashesBefore(chunk: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && chunk[at - 1] === backslash) at -= 1;
  return end - at;
}
