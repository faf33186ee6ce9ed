import { asciiJson, printable } from '../core/printable.ts';

/** What a command prints for people or for programs. Every line goes through here, whoever wrote the words in it. */
export interface Printer {
  line(text: string): void;
  json(value: unknown): void;
}

/** A line has an end: what anybody may write into an object is as large as the object. */
const longestLine = 8_192;

export function createPrinter(write: (line: string) => void): Printer {
  return {
    line: (text) => write(shortened(printable(text))),
    json: (value) => write(asciiJson(JSON.stringify(value))),
  };
}

function shortened(line: string): string {
  const more = line.length - longestLine;
  return more > 0 ? `${line.slice(0, longestLine)}… (${more} more characters)` : line;
}
