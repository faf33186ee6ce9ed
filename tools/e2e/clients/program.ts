// What the programs of this folder have in common: they are told what to ask for, and say in one line what they got.
import type { Answer, Wish } from './real-clients.ts';

export interface Told extends Wish {
  readonly version?: 'current' | 'older';
}

export function told(): Told {
  return JSON.parse(process.argv[2] ?? '{}') as Told;
}

/** Prints the token, or what the library threw. The token is the simulator's and opens nothing. */
export async function tell(ask: () => Promise<string>): Promise<void> {
  const answer: Answer = await ask().then(
    (token) => ({ token }),
    (error: unknown) => ({ refused: String(error).replaceAll('\n', ' ') }),
  );
  console.log(JSON.stringify(answer));
}
