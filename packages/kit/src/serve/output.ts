import { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../core/clock.ts';

interface OutputOptions {
  /** Writes without blocking; returns the number of bytes written. Throws if the reader is gone. */
  readonly write: (bytes: Uint8Array) => number;
  readonly clock: Clock;
  /** Characters to collect before writing (default 32 Ki). */
  readonly holdLength?: number;
  /** Bytes to keep for a reader that is behind (default 1 MiB). */
  readonly room?: number;
}

/** Maximum delay of an appended line while the reader is not behind. */
const holdMs = 50;
/** Between attempts while the reader is behind. */
const retryMs = 10;
const lineEnd = 0x0a;

/** Log and audit of a process: whole lines, in order. Never blocks on the reader. */
export class Output {
  readonly #lines: Lines;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #reported = 0;
  #say: (lines: number) => void = () => undefined;

  constructor(options: OutputOptions) {
    this.#lines = new Lines(options);
    this.#clock = options.clock;
  }

  /** Whether lines wait for the reader. */
  get isBehind(): boolean {
    return this.#lines.size > 0;
  }

  /** Number of lines dropped for lack of room or of a reader. */
  get lost(): number {
    return this.#lines.lost;
  }

  /** Written at once, after all appended lines, unless the reader is behind: a crash loses no such line. */
  write(line: string): void {
    if (this.#lines.add(line)) this.#flush();
  }

  /** Written within `holdMs`, together with others. For frequent lines. */
  append(line: string): void {
    if (!this.#lines.add(line)) return;
    if (this.#lines.isDue) this.#flush();
    else this.#timer ??= this.#clock.after(holdMs, () => this.#flush());
  }

  /** Calls `say` with the number of lost lines when the reader has caught up. Only the last listener is called. */
  onLost(say: (lines: number) => void): void {
    this.#say = say;
  }

  /** Writes all lines. `wait` blocks for a moment; it returns false if there is no more time. */
  end(wait: () => boolean): void {
    this.#flush();
    while (this.isBehind && wait()) this.#flush();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const isTaken = this.#lines.handOn();
    if (this.isBehind) this.#timer = this.#clock.after(retryMs, () => this.#flush());
    else if (isTaken && this.lost > this.#reported) {
      const more = this.lost - this.#reported;
      this.#reported = this.lost;
      this.#say(more);
    }
  }
}

/** Waiting lines: the newest as text, older ones as bytes, which take less of the heap. */
class Lines {
  lost = 0;
  #text = '';
  #bytes = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #write: OutputOptions['write'];
  readonly #holdLength: number;
  readonly #room: number;

  constructor({ write, holdLength = 32 * 1024, room = 1024 * 1024 }: OutputOptions) {
    this.#write = write;
    this.#holdLength = holdLength;
    this.#room = room;
  }

  get size() {
    return this.#bytes + this.#text.length;
  }

  get isDue() {
    return this.#text.length >= this.#holdLength;
  }

  /** False if there is no room: the line is lost. */
  add(line: string): boolean {
    if (this.size + line.length > this.#room) {
      this.lost += 1;
      return false;
    }
    this.#text += line;
    return true;
  }

  /** Whether all was written. Without a reader all lines are lost. */
  handOn(): boolean {
    try {
      if (this.isDue) this.#seal();
      // Only after the older parts: otherwise each log line would become a separate buffer while the reader is behind.
      if (this.#writeParts() && this.#text !== '') {
        this.#seal();
        this.#writeParts();
      }
    } catch {
      // The reader is gone. There is no other output to report that.
      this.#loseAll();
      return false;
    }
    return this.size === 0;
  }

  #seal() {
    const part = Buffer.from(this.#text);
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#text = '';
  }

  #loseAll() {
    this.#seal();
    for (const part of this.#parts.splice(0))
      this.lost += part.reduce((ends, byte) => ends + (byte === lineEnd ? 1 : 0), 0);
    this.#bytes = 0;
  }

  /** Whether all parts were written. */
  #writeParts(): boolean {
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      const taken = this.#write(part);
      this.#bytes -= taken;
      if (taken < part.length) {
        this.#parts[0] = part.subarray(taken);
        return false;
      }
      this.#parts.shift();
    }
    return true;
  }
}
