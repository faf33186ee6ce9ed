// Runs one client against a server that always sends the same response.
import type { Measured } from './behaviour.ts';
import { tokenOfAz, type Player } from './players.ts';
import { run } from './run-client.ts';
import type { Starts } from './starts.ts';
import { openFixedServer, reasonOf, type FixedResponse } from './fixed-responses.ts';

export interface StatusStage {
  readonly starts: Starts;
  /** Of `pathWithAz`. */
  readonly path: string;
}

export async function playStatus(
  stage: StatusStage,
  { client, wish }: Player,
  fixed: FixedResponse,
): Promise<Measured> {
  const server = await openFixedServer(fixed);
  const place = { url: server.url, ...(wish.credential === 'default' && { path: stage.path }) };
  try {
    const answer = await stage.starts.run(() => run(client, wish, place), server.asked);
    const { calls, retryAfter } = server;
    const gaps = calls.slice(1).map((at, index) => (at - (calls[index] ?? 0)) / 1000);
    const goesOn = 'token' in answer && answer.token === tokenOfAz;
    const showsReason = goesOn || ('refused' in answer && answer.refused.includes(reasonOf(fixed.status)));
    return { gaps, retryAfter, goesOn, showsReason };
  } finally {
    server.close();
  }
}
