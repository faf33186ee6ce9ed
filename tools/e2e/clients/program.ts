// Common to the programs of this folder: they get a token request as argument, and print the result in one line.
import type { Answer, Wish } from './real-clients.ts';

export interface TokenRequest extends Wish {
  readonly version?: 'current' | 'older';
}

export function readRequest(): TokenRequest {
  return JSON.parse(process.argv[2] ?? '{}') as TokenRequest;
}

/** Prints the token, or what the library threw, and the most memory that the program had. The token is only valid in the simulator. */
export async function printResult(ask: () => Promise<string>): Promise<void> {
  const answer: Answer = await ask().then(
    (token) => ({ token }),
    (error: unknown) => ({ refused: String(error).replaceAll('\n', ' ') }),
  );
  console.log(JSON.stringify({ ...answer, peakMiB: process.resourceUsage().maxRSS / 1024 }));
}
