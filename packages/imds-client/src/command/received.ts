import type { RefusalBody } from '../refusal-text.ts';
import { headerText, parseObject, readText } from '../response.ts';

/** The last response that was read whole: an error with a status is about it. */
export interface Received extends RefusalBody {
  /** '' of a 200. */
  readonly body: string;
  /** A 200 with a token that can be used, except for its expiry. The token itself is not kept. */
  readonly hasToken: boolean;
}

export const nothingReceived: Received = { body: '', hasToken: false };

interface Sent extends RefusalBody {
  readonly status: number;
}

/** What is kept of a response. */
export function receivedOf({ status, contentType, body }: Sent): Received {
  if (status !== 200) return { contentType, body, hasToken: false };
  return { body: '', hasToken: headerText.test(readText(parseObject(body)?.['access_token']) ?? '') };
}

/** The error code of Microsoft Entra: in a response of a metadata service it is only within the text. */
export function entraCodeOf({ body }: RefusalBody): string | undefined {
  const description = readText(parseObject(body)?.['error_description']) ?? '';
  return /\bAADSTS(\d+)\b/.exec(description)?.[1];
}
