import type { Ambient } from '@pod-identity/kit/serve';
import { andThen } from './handle/and-then.ts';
import type { Handler } from './handle/token-pipeline.ts';
import type { MetadataReader } from './handle/instance-metadata.ts';
import type { Outcome, SentResponse } from './respond/outcome.ts';
import { memoize } from './handle/memoize.ts';
import { respond, type RespondRules } from './respond/respond.ts';
import { routeOf, type Route } from './request/routes.ts';
import type { App, InboundRequest, OutboundResponse } from './request/wire.ts';

export interface AppOptions extends Ambient {
  readonly token: Handler;
  readonly hostToken: Handler;
  readonly proxy: Pick<MetadataReader, 'handle'>;
  readonly notAssignedStatus: RespondRules['notAssignedStatus'];
  /** Called for every response. */
  readonly onSent: (sent: SentResponse) => void;
}

/** Programs repeat the same requests. */
const targetsKept = 128;

/** Routes and handles each request, and makes a response of its outcome. */
export function createApp(options: AppOptions): App {
  const { clock, notAssignedStatus, random, onSent, log } = options;
  const routeFor = memoize(routeOf, targetsKept);

  const outcomeOf = (request: InboundRequest, route: Route): Outcome | Promise<Outcome> => {
    const crashed = (error: unknown): Outcome => {
      log.error({ error, route: route.kind, peer: request.peer }, 'request failed');
      return { kind: 'crashed' };
    };
    try {
      const outcome = handle(options, request, route);
      return outcome instanceof Promise ? outcome.catch(crashed) : outcome;
    } catch (error) {
      return crashed(error);
    }
  };
  const responseTo = (request: InboundRequest, route: Route, outcome: Outcome): OutboundResponse => {
    const now = clock.now();
    const response = respond(outcome, { nowMs: now, notAssignedStatus, random });
    onSent({
      request,
      route: route.kind,
      outcome,
      status: response.status,
      ms: clock.elapsed() - request.receivedAt,
    });
    return response;
  };

  return {
    respond(request) {
      const route = routeFor(request.target);
      return andThen(outcomeOf(request, route), (outcome) => responseTo(request, route, outcome));
    },
  };
}

function handle(options: AppOptions, request: InboundRequest, route: Route): Outcome | Promise<Outcome> {
  switch (route.kind) {
    case 'token':
      return options.token.handle(request, route.query);
    case 'host-token':
      return options.hostToken.handle(request, route.query);
    case 'metadata':
      return options.proxy.handle(request, route);
    case 'nowhere':
      return route;
  }
}
