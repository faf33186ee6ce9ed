import type { HttpResponse } from '../http/server.ts';
import { json } from './routes.ts';

/** The errors of the token endpoint that our programs can get, by their AADSTS numbers. */
type EntraCode =
  | 50013
  | 50027
  | 70003
  | 70011
  | 70025
  | 90002
  | 90061
  | 500011
  | 700016
  | 700022
  | 700023
  | 700024
  | 700027
  | 700211
  | 700212
  | 700213
  | 900144
  | 900561
  | 1002012
  | 5002738
  | 7000112
  | 7000215
  | 7000218
  | 7000222;

type EntraError =
  | 'invalid_client'
  | 'invalid_request'
  | 'invalid_grant'
  | 'invalid_resource'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable';

const classes: Readonly<Record<EntraCode, readonly [status: number, error: EntraError]>> = {
  50013: [400, 'invalid_grant'],
  50027: [400, 'invalid_request'],
  70003: [400, 'unsupported_grant_type'],
  70011: [400, 'invalid_scope'],
  70025: [401, 'invalid_client'],
  90002: [400, 'invalid_request'],
  90061: [503, 'temporarily_unavailable'],
  500011: [400, 'invalid_resource'],
  700016: [400, 'unauthorized_client'],
  700022: [400, 'invalid_request'],
  700023: [401, 'invalid_client'],
  700024: [401, 'invalid_client'],
  700027: [401, 'invalid_client'],
  700211: [401, 'invalid_client'],
  700212: [401, 'invalid_client'],
  700213: [401, 'invalid_client'],
  900144: [400, 'invalid_request'],
  900561: [400, 'invalid_request'],
  1002012: [400, 'invalid_scope'],
  5002738: [401, 'invalid_client'],
  7000112: [400, 'unauthorized_client'],
  7000215: [401, 'invalid_client'],
  7000218: [401, 'invalid_client'],
  7000222: [401, 'invalid_client'],
};

/** The reason for a refusal, as a value. */
export interface EntraRefusal {
  readonly code: EntraCode;
  readonly text: string;
}

export function refusal(code: EntraCode, text: string): EntraRefusal {
  return { code, text };
}

interface EntraErrorContext {
  readonly now: () => number;
  readonly newId: () => string;
  readonly baseUrl: () => string;
}

export function errorResponse({ code, text }: EntraRefusal, context: EntraErrorContext): HttpResponse {
  const [status, error] = classes[code];
  const [traceId, correlationId] = [context.newId(), context.newId()];
  const timestamp = `${new Date(context.now()).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return json(status, {
    error,
    error_description: `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `${context.baseUrl()}/error?code=${code}`,
  });
}
