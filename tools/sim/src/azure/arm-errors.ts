import type { HttpResponse } from '../http/server.ts';
import { json } from './routes.ts';

/** The error codes of ARM and its resource providers. */
export interface ArmRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details?: readonly object[];
  readonly headers?: Readonly<Record<string, string>>;
}

export function armRefusal(status: number, code: string, message: string): ArmRefusal {
  return { status, code, message };
}

export function isArmRefusal(value: object): value is ArmRefusal {
  return 'status' in value && 'code' in value && 'message' in value;
}

export function armErrorResponse({ status, code, message, details, headers }: ArmRefusal): HttpResponse {
  return json(status, { error: { code, message, ...(details ? { details } : {}) } }, headers);
}
