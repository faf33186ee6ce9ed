import { isWebPage, type RefusalBody } from '../refusal-text.ts';
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

/** What is kept of a response. Of a 200, which may have a token, only whether it is a web page. */
export function receivedOf({ status, contentType, body }: Sent): Received {
  const fields = parseObject(body);
  // JSON is no web page, whatever its type is said to be.
  if (status !== 200) return { ...(fields === undefined && { contentType }), body, hasToken: false };
  const isPage = fields === undefined && isWebPage({ contentType, body });
  return {
    body: '',
    hasToken: headerText.test(readText(fields?.['access_token']) ?? ''),
    ...(isPage && { contentType: 'text/html' }),
  };
}

/** The error code of Microsoft Entra: in a response of a metadata service, or of the NMI of aad-pod-identity, it is only within the text. */
export function entraCodeOf({ body }: RefusalBody): string | undefined {
  const fields = parseObject(body);
  const text = fields === undefined ? body : (readText(fields['error_description']) ?? '');
  return /\bAADSTS(\d+)\b/.exec(text)?.[1];
}
