import type { Clock } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

export interface NotedTransport extends KubeTransport {
  /** Milliseconds since the last response over this transport, refusals included; Infinity before the first one. */
  lastResponseMs(): number;
}

/** The same transport, which records the time of the last response. */
export function noteResponses(transport: KubeTransport, clock: Clock): NotedTransport {
  let respondedAt = -Infinity;
  const note = () => {
    respondedAt = clock.elapsed();
  };
  const noteRefusal = (error: unknown): never => {
    if (error instanceof KubeError && error.status !== undefined) note();
    throw error;
  };
  return {
    ...transport,
    lastResponseMs: () => clock.elapsed() - respondedAt,
    async request(request) {
      const response = await transport.request(request).catch(noteRefusal);
      note();
      return response;
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
      }
    },
  };
}
