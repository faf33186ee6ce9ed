import { asciiJson, printable } from '../core/printable.ts';

/** Output of a command for people or programs; escapes untrusted text. */
export type Printer = ReturnType<typeof createPrinter>;

/** Limit, since text of users can be as large as an object. */
const longestLine = 8_192;

export function createPrinter(write: (line: string) => void) {
  return {
    line: (text: string) => write(shortened(printable(text))),
    json: (value: unknown) => write(asciiJson(JSON.stringify(value))),
  };
}

function shortened(line: string): string {
  const more = line.length - longestLine;
  return more > 0 ? `${line.slice(0, longestLine)}… (${more} more characters)` : line;
}
