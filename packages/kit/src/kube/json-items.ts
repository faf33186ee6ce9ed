import { KubeError } from './errors.ts';

const quote = 0x22;
const backslash = 0x5c;
/** Brackets of either kind, once bit 0x20 is set. */
const open = 0x7b;
const close = 0x7d;
const bracketBit = 0x20;
/** More than six times the 3 MiB that the API server takes for an object: it writes some bytes as six, in escapes. */
const longestItem = 20 * 1024 * 1024;
/** In which depth the items are: of a list once it begins. */
const [notYet, nowhere] = [Infinity, -1];

interface JsonItemsOptions {
  /** Called with each item of the list `items` as it arrives; without it the response is one value. */
  readonly onItem?: ((item: unknown) => void) | undefined;
  /** Each value of the stream is an item. */
  readonly isStream?: boolean;
}

/**
 * Reads JSON from chunks of bytes that may end anywhere, one object at a time: memory is bounded by the largest object, and not by the list or
 * the number of events.
 */
export class JsonItems {
  readonly #onItem: (item: unknown) => void;
  #itemDepth: number;
  #depth = 0;
  #isItem = false;
  #inString = false;
  #isEscaped = false;
  /** Of the current chunk: up to here it is kept. */
  #keptTo = 0;
  /** Of the current item: outside of the heap, since many responses can arrive at once. */
  #parts: Buffer[] = [];
  /** Of the current item, or of all that is in none. */
  #size = 0;
  #rest = '';
  #value: unknown;

  constructor({ onItem, isStream = false }: JsonItemsOptions) {
    this.#onItem = onItem ?? ((value) => void (this.#value = value));
    this.#itemDepth = onItem && !isStream ? notYet : 0;
  }

  /** Throws KubeError for what cannot be JSON. */
  push(chunk: Buffer): void {
    this.#keptTo = 0;
    let at = 0;
    while (at < chunk.length) at = this.#inString ? this.#leaveString(chunk, at) : this.#next(chunk, at);
    this.#keep(chunk, chunk.length);
  }

  /** The response without the items that were passed on; undefined if it has not ended. */
  end(): unknown {
    if (this.#depth !== 0) return undefined;
    if (this.#rest === '') return this.#value;
    return parse(Buffer.from(this.#rest, 'latin1').toString('utf8'));
  }

  /** Moves to the byte after the next quote or bracket. */
  #next(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const bracket = byte | bracketBit;
      if (byte === quote) this.#inString = true;
      else if (bracket === open) this.#open(chunk, at);
      else if (bracket === close) this.#close(chunk, at);
      else continue;
      return at + 1;
    }
    return chunk.length;
  }

  /** Counts the backslashes before a quote once, so that a text of a million of them takes no longer than another. */
  #leaveString(chunk: Buffer, start: number): number {
    let at = this.#isEscaped ? start + 1 : start;
    for (;;) {
      const found = chunk.indexOf(quote, at);
      const end = found === -1 ? chunk.length : found;
      let slashes = 0;
      while (end - slashes > at && chunk[end - slashes - 1] === backslash) slashes += 1;
      this.#isEscaped = slashes % 2 === 1;
      if (found === -1) return chunk.length;
      this.#inString = this.#isEscaped;
      this.#isEscaped = false;
      if (!this.#inString) return end + 1;
      at = end + 1;
    }
  }

  #open(chunk: Buffer, at: number): void {
    if (!this.#isItem && this.#depth === this.#itemDepth) {
      this.#keep(chunk, at);
      [this.#isItem, this.#size] = [true, 0];
    }
    this.#depth += 1;
    if (this.#itemDepth !== notYet || this.#depth !== 2) return;
    this.#keep(chunk, at + 1);
    if (/"items"\s*:\s*\[$/.test(this.#rest)) this.#itemDepth = 2;
  }

  #close(chunk: Buffer, at: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw notJson();
    if (this.#isItem && this.#depth === this.#itemDepth) {
      this.#keep(chunk, at + 1);
      this.#finish();
    } else if (this.#itemDepth === 2 && this.#depth === 1) {
      this.#depth = 2;
      this.#keep(chunk, at);
      [this.#depth, this.#itemDepth] = [1, nowhere];
    }
  }

  #finish(): void {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts, this.#size);
    [this.#parts, this.#size, this.#isItem] = [[], 0, false];
    this.#onItem(parse(bytes.toString('utf8')));
  }

  #keep(chunk: Buffer, to: number): void {
    const bytes = chunk.subarray(this.#keptTo, to);
    this.#keptTo = to;
    const isBetween = !this.#isItem && this.#depth === this.#itemDepth;
    if (isBetween) {
      if (/[^\s,]/.test(bytes.toString('latin1'))) throw notJson();
    } else if (this.#isItem) this.#parts.push(bytes);
    else this.#rest += bytes.toString('latin1');
    this.#size += isBetween ? 0 : bytes.length;
    if (this.#size > longestItem)
      throw new KubeError('transport', 'an object is larger than the API server stores');
  }
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

export function notJson(cause?: unknown): KubeError {
  return new KubeError('transport', 'the answer of the API server is not JSON', { cause });
}
