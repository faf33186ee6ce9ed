import { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../core/clock.ts';

/** Where a process tells what it does: whole lines, in the order in which they were given. Nothing here waits for a reader. */
export interface Output {
  /** Out at once, after all that was appended before, unless the reader is behind: the last words of a dying process are not lost. */
  write(line: string): void;
  /**
   * Out within `holdMs`, or with many others when there are many. For lines that are too many to be written one by one. Of the room for
   * them whoever causes them has half at most, where that is told: such as a namespace, which must not push out the lines of others.
   */
  append(line: string, cause?: string): void;
  /** Hands on as much as is taken now. */
  flush(): void;
  /** Lines are kept that the reader has not taken yet. */
  readonly isBehind: boolean;
  /** Lines that will never be written: there was no room for them, or nobody to read them. */
  readonly lost: number;
  /** `say` is told how many lines were lost, once lines are taken again. */
  onLost(say: (lines: number) => void): void;
}

export interface OutputOptions {
  /** Takes as many of the bytes as it can without waiting, and answers how many that were. Throws when nobody reads any more. */
  readonly write: (bytes: Uint8Array) => number;
  readonly clock: Clock;
  /** The longest that an appended line is kept while the reader is not behind (50 ms unless told). */
  readonly holdMs?: number;
  /** Characters that are gathered before they are written (32 Ki unless told). */
  readonly holdLength?: number;
  /** Bytes that are kept for a reader that is behind (1 MiB unless told). The last quarter is for lines that are not appended. */
  readonly room?: number;
}

/** Between two attempts while the reader is behind. */
const retryMs = 10;
const appendedShare = 0.75;
/** Of what is kept of appended lines. */
const causeShare = 0.5;
const lineEnd = 0x0a;

export function createOutput(options: OutputOptions): Output {
  const { clock, holdMs = 50, room = 1024 * 1024 } = options;
  const lines = new Lines(options);
  let timer: Timer | undefined;
  let told = 0;
  let say: (lines: number) => void = () => undefined;

  const flush = () => {
    timer?.cancel();
    timer = undefined;
    const isTaken = lines.handOn();
    if (lines.size > 0) timer = clock.after(retryMs, flush);
    else if (isTaken && lines.lost > told) {
      const more = lines.lost - told;
      told = lines.lost;
      say(more);
    }
  };

  return {
    write(line) {
      if (lines.add(line, room)) flush();
    },
    append(line, cause) {
      const most = room * appendedShare;
      if (!lines.mayAdd(line, cause, most * causeShare) || !lines.add(line, most)) return;
      if (lines.isDue) flush();
      else timer ??= clock.after(holdMs, flush);
    },
    flush,
    onLost(listener) {
      say = listener;
    },
    get isBehind() {
      return lines.size > 0;
    },
    get lost() {
      return lines.lost;
    },
  };
}

/** Lines that are kept: the newest as text, older ones as bytes, which take less of the heap. */
class Lines {
  lost = 0;
  #text = '';
  #bytes = 0;
  readonly #parts: Uint8Array[] = [];
  /** Since all was taken last, by cause. */
  readonly #causes = new Map<string, number>();
  readonly #write: OutputOptions['write'];
  readonly #holdLength: number;

  constructor({ write, holdLength = 32 * 1024 }: OutputOptions) {
    this.#write = write;
    this.#holdLength = holdLength;
  }

  get size() {
    return this.#bytes + this.#text.length;
  }

  /** Enough has been gathered. */
  get isDue() {
    return this.#text.length >= this.#holdLength;
  }

  /** False where the line is lost, for want of room. */
  add(line: string, room: number): boolean {
    if (this.size + line.length > room) {
      this.lost += 1;
      return false;
    }
    this.#text += line;
    return true;
  }

  /** Counts the line for its cause; false where it is lost, because the cause has its share already. */
  mayAdd(line: string, cause: string | undefined, share: number): boolean {
    if (cause === undefined) return true;
    const length = (this.#causes.get(cause) ?? 0) + line.length;
    if (length > share) {
      this.lost += 1;
      return false;
    }
    this.#causes.set(cause, length);
    return true;
  }

  /** Whether all was taken; what nobody will ever take is lost. */
  handOn(): boolean {
    try {
      if (this.isDue) this.#seal();
      while (this.#writeParts()) {
        if (this.#text !== '') {
          this.#seal();
          continue;
        }
        this.#causes.clear();
        return true;
      }
    } catch {
      // There is no other place to say that nobody reads any longer.
      this.#loseAll();
    }
    return false;
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
    this.#causes.clear();
  }

  /** Whether all of the parts were taken. */
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
