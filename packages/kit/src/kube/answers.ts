import type { Clock } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

export interface NotedTransport extends KubeTransport {
  /** Milliseconds since the last response over this transport, refusals included; Infinity before the first one. */
  lastAnswerMs(): number;
}

/** The same transport, which records the time of the last response. */
export function noteAnswers(transport: KubeTransport, clock: Clock): NotedTransport {
  let answeredAt = -Infinity;
  const note = () => {
    answeredAt = clock.elapsed();
  };
  const noteRefusal = (error: unknown) => {
    if (error instanceof KubeError && error.status !== undefined) note();
  };
  return {
    ...transport,
    lastAnswerMs: () => clock.elapsed() - answeredAt,
    async request(request) {
      try {
        const answer = await transport.request(request);
        note();
        return answer;
      } catch (error) {
        noteRefusal(error);
        throw error;
      }
    },
    async *watch(request) {
      const onOpen = () => {
        note();
        request.onOpen?.();
      };
      try {
        for await (const event of transport.watch({ ...request, onOpen })) {
          note();
          yield event;
        }
      } catch (error) {
        noteRefusal(error);
        throw error;
      }
    },
  };
}
