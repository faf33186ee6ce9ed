import type { Route } from '../request/routes.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { Outcome } from './outcome.ts';

/** A completed request, for metrics and logs. */
export interface SentResponse {
  readonly request: InboundRequest;
  readonly route: Route['kind'];
  readonly outcome: Outcome;
  readonly status: number;
  readonly ms: number;
}
