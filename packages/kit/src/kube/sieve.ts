// Reads JSON from chunks of bytes and keeps chosen fields only. Everything else is skipped without becoming text or objects, so that
// memory is bounded by the kept fields, whatever the size of the response.
import type { TooLarge } from './fields.ts';
import { isCompared, lookedAt, mostCompared, openFrame, pathOf, type Frame } from './frame.ts';
import { decoded, notJson, parse, unescaped } from './json-text.ts';
import { KeptText } from './kept-text.ts';
import type { FieldRule } from './field-rule.ts';
import { ValueScanner } from './value-scanner.ts';

export interface SieveOptions {
  readonly rule: FieldRule;
  /** A whole value of the stream, or an item of a list with `items`. */
  readonly onValue: (value: unknown, tooLarge: readonly TooLarge[]) => void;
  readonly onItem?: (value: unknown, tooLarge: readonly TooLarge[]) => void;
  /** Limit in bytes of one value or item. */
  readonly upTo: number;
}

/** In bytes. Wanted names are shorter; an editor can write keys as long as the object. */
const longestKey = 512;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const space = 0x20;
const openObject = 0x7b;
const openList = 0x5b;
const closeObject = 0x7d;
const closeList = 0x5d;

type State = 'between' | 'before-key' | 'key' | 'colon' | 'before-value' | 'value' | 'after-value';

export class Sieve {
  readonly #options: SieveOptions;
  readonly #kept = new KeptText();
  readonly #scanner = new ValueScanner();
  readonly #frames: Frame[] = [];
  #state: State = 'between';
  #key = '';
  #keyEscaped = false;
  /** It has no escape sequences so far. */
  #keyIsPlain = true;
  /** For the current or next value; undefined: skip it. */
  #rule: FieldRule | undefined;
  /** Start of the text of the value, with its comma and key. */
  #mark = 0;
  #valueStart = 0;
  /** Start of the text of the whole value or item. */
  #origin = 0;
  #tooLarge: TooLarge[] = [];

  constructor(options: SieveOptions) {
    this.#options = options;
  }

  /** Whether no value is incomplete. */
  get isComplete(): boolean {
    return this.#state === 'between';
  }

  /** Reads the next bytes and passes on every completed value. Throws KubeError for invalid JSON. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'value') at = this.#read(chunk, at);
      else if (this.#state === 'key') at = this.#readKey(chunk, at);
      else if ((chunk[at] ?? 0) <= space) at += 1;
      else if (this.#state === 'between' || this.#state === 'before-value') at = this.#begin(chunk, at);
      else this.#step(chunk[at++] ?? 0);
    }
  }

  /** A byte between names and values. */
  #step(byte: number): void {
    const { isList } = this.#top();
    if (this.#state === 'before-key' && byte === quote) {
      this.#key = '';
      this.#keyEscaped = false;
      this.#keyIsPlain = true;
      this.#state = 'key';
    } else if (this.#state === 'colon' && byte === colon) {
      this.#state = 'before-value';
    } else if (this.#state === 'after-value' && byte === comma) {
      if (isList) this.#expectItem();
      else this.#state = 'before-key';
    } else {
      this.#close(byte);
    }
  }

  #top(): Frame {
    const top = this.#frames.at(-1);
    if (!top) throw notJson();
    return top;
  }

  #readKey(chunk: Buffer, start: number): number {
    const end = this.#endOfKey(chunk, start);
    if (this.#key === '' && this.#isPassedOver(chunk, start, end)) {
      this.#rule = undefined;
      this.#mark = this.#kept.length;
      this.#state = 'colon';
      this.#passOver(this.#top());
      return end + 1;
    }
    // A longer name is not among the wanted ones.
    if (this.#key.length <= longestKey)
      this.#key += chunk.toString('latin1', start, Math.min(end, start + longestKey + 1));
    if (end === chunk.length) return end;
    this.#announce();
    this.#state = 'colon';
    return end + 1;
  }

  #endOfKey(chunk: Buffer, start: number): number {
    let end = start;
    while (end < chunk.length && (this.#keyEscaped || chunk[end] !== quote)) {
      this.#keyEscaped = !this.#keyEscaped && chunk[end] === backslash;
      if (this.#keyEscaped) this.#keyIsPlain = false;
      end += 1;
    }
    return end;
  }

  /** Whether a name that is whole and has no escape sequences can neither be wanted nor misspelt. */
  #isPassedOver(chunk: Buffer, start: number, end: number): boolean {
    if (!this.#keyIsPlain || end === chunk.length) return false;
    const frame = this.#top();
    return !isCompared(frame) && frame.rule.members?.has(chunk, start, end) !== true;
  }

  /** After the name of a member: keeps it if its value is wanted. */
  #announce(): void {
    const frame = this.#top();
    const name = this.#name(frame);
    const rule = frame.rule.members?.get(name);
    this.#rule = rule?.after ? rule.after(this.#kept.textFrom(frame.start)) : rule;
    this.#mark = this.#kept.length;
    if (this.#rule) {
      frame.name = name;
      this.#keepKey(frame);
      return;
    }
    if (frame.rule.isMisspelt && isCompared(frame)) this.#keepMisspelt(frame, frame.rule.isMisspelt);
    else this.#passOver(frame);
    frame.compared += 1;
  }

  /** For an unknown name that is not compared. */
  #passOver(frame: Frame): void {
    if (frame.rule.isMisspelt === undefined || frame.isCrowded) return;
    frame.isCrowded = true;
    this.#tooLarge.push({
      path: pathOf(this.#frames.slice(0, -1)),
      upTo: lookedAt(frame),
      unknownNames: true,
    });
  }

  #keepKey({ count }: Frame): void {
    this.#kept.add(`${count > 0 ? ',' : ''}"${this.#key}":`);
  }

  /** The value is skipped. */
  #keepMisspelt(frame: Frame, isMisspelt: (name: string) => boolean): void {
    if (this.#key.length > longestKey || !isMisspelt(decoded(this.#key))) return;
    this.#keepKey(frame);
    this.#kept.add('null');
    frame.count += 1;
    frame.misspelt += 1;
  }

  /**
   * Empty for one that is too long to be wanted: its kept part may end inside an escape sequence, which is no JSON. Likewise after many names
   * with escape sequences, each of which takes as long as a comparison: API servers write the wanted ones without.
   */
  #name(frame: Frame): string {
    if (this.#key.length > longestKey) return '';
    if (this.#keyIsPlain) return this.#key;
    return frame.compared < mostCompared ? unescaped(this.#key) : '';
  }

  #expectItem(): void {
    const { rule } = this.#top();
    this.#rule = rule.items;
    this.#mark = this.#kept.length;
    this.#state = 'before-value';
  }

  /** The first byte of a value. */
  #begin(chunk: Buffer, at: number): number {
    const byte = chunk[at];
    if (byte === closeList && this.#isEmptyList()) {
      this.#close(byte);
      return at + 1;
    }
    this.#startAnew();
    const { members, items } = this.#rule ?? {};
    if (members && byte === openObject) return this.#open(at, { isList: false });
    if (items && byte === openList) return this.#open(at, { isList: true });
    this.#valueStart = this.#kept.length;
    this.#scanner.begin();
    this.#state = 'value';
    return at;
  }

  #isEmptyList(): boolean {
    const frame = this.#frames.at(-1);
    return frame?.isList === true && frame.count === 0;
  }

  /** For a value of the stream, or an item. */
  #startAnew(): void {
    const frame = this.#frames.at(-1);
    if (frame && !frame.isList) return;
    if (!frame) {
      this.#rule = this.#options.rule;
      this.#mark = this.#kept.length;
    }
    this.#origin = this.#kept.length;
    this.#tooLarge = [];
  }

  #open(at: number, { isList }: { isList: boolean }): number {
    const rule = this.#rule;
    if (!rule) throw notJson();
    this.#frames.push(openFrame(rule, isList, this.#mark));
    this.#kept.add(isList ? '[' : '{');
    if (isList) this.#expectItem();
    else this.#state = 'before-key';
    return at + 1;
  }

  #close(byte: number): void {
    if (byte !== (this.#top().isList ? closeList : closeObject) || this.#state === 'colon') throw notJson();
    this.#kept.add(byte === closeList ? ']' : '}');
    const frame = this.#frames.pop();
    this.#mark = frame?.start ?? 0;
    this.#ended(true);
  }

  #read(chunk: Buffer, start: number): number {
    const end = this.#scanner.scan(chunk, start);
    if (this.#rule) this.#keep(chunk.subarray(start, end));
    if (this.#scanner.isDone) this.#ended(this.#rule !== undefined);
    return end;
  }

  #keep(bytes: Buffer): void {
    const size = this.#kept.length + bytes.length;
    const { upTo = 0 } = this.#rule ?? {};
    const limit = size - this.#valueStart > upTo ? upTo : this.#options.upTo;
    if (size - this.#valueStart <= upTo && size - this.#origin <= limit) {
      this.#kept.addBytes(bytes);
      return;
    }
    this.#tooLarge.push({ path: pathOf(this.#frames), upTo: limit });
    this.#kept.takeBack(this.#mark);
    this.#rule = undefined;
  }

  #ended(isKept: boolean): void {
    const parent = this.#frames.at(-1);
    this.#state = parent ? 'after-value' : 'between';
    if (parent && !parent.isList) {
      if (isKept) parent.count += 1;
      return;
    }
    const value = isKept ? parse(this.#kept.textFrom(this.#mark)) : undefined;
    const tooLarge = this.#tooLarge;
    this.#kept.takeBack(this.#mark);
    this.#tooLarge = [];
    if (parent) parent.count += 1;
    (parent ? this.#options.onItem : this.#options.onValue)?.(value, tooLarge);
  }
}
