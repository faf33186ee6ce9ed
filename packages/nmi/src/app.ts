import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { Handler } from './handle-token.ts';
import type { Proxy } from './handle-proxy.ts';
import type { Outcome } from './respond/outcome.ts';
import { remember } from './remember.ts';
import { createCompat, type CompatSettings } from './respond/compat.ts';
import { respond, type RespondRules } from './respond/respond.ts';
import { routeOf, type Route } from './routes.ts';
import type { InboundRequest, OutboundResponse } from './wire.ts';

export interface AppOptions extends CompatSettings {
  readonly token: Handler;
  readonly hostToken: Handler;
  readonly proxy: Pick<Proxy, 'handle'>;
  readonly notAssignedStatus: RespondRules['notAssignedStatus'];
  readonly clock: Clock;
  /** Told of every answer. */
  readonly onAnswered: (answered: Answered) => void;
  readonly log: Log;
}

export interface Answered {
  readonly request: InboundRequest;
  readonly route: Route['kind'];
  readonly outcome: Outcome;
  readonly status: number;
  readonly ms: number;
}

export type App = (request: InboundRequest) => Promise<OutboundResponse>;

/** Programs ask the same again and again. */
const targetsKept = 128;

/** The whole agent as one function: route, handle, respond. Every request ends in exactly one outcome. */
export function createApp(options: AppOptions): App {
  const { clock, notAssignedStatus, onAnswered, log } = options;
  const routeFor = remember(routeOf, targetsKept);
  const compatFor = createCompat(options);

  const handle = async (request: InboundRequest, route: Route): Promise<Outcome> => {
    try {
      switch (route.kind) {
        case 'token':
          return await options.token(request, route.query);
        case 'host-token':
          return await options.hostToken(request, route.query);
        case 'metadata':
          return await options.proxy.handle(request, route);
        case 'nowhere':
          return route;
      }
    } catch (error) {
      log.error({ error, route: route.kind, peer: request.peer }, 'request failed');
      return { kind: 'crashed' };
    }
  };

  return async (request) => {
    const route = routeFor(request.target);
    const outcome = await handle(request, route);
    const now = clock.now();
    const response = respond(outcome, { nowMs: now, notAssignedStatus, compat: compatFor(route) });
    onAnswered({
      request,
      route: route.kind,
      outcome,
      status: response.status,
      ms: now - request.receivedAt,
    });
    return response;
  };
}
