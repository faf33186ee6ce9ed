import { parseObject, readText, type HttpResponse } from './response.ts';

/**
 * Whether the response to a request without the header `Metadata` is one of a metadata service: its 400, whose JSON has an `error`. While it is
 * updated, throttles or is out of order it answers with other statuses: 410 and 429, which other servers rarely have, or any refusal in its
 * own form, JSON with `error` and `error_description`. Every web server has a 404 and a 500 for a path that it does not know.
 */
export function isOfMetadataService({ status, body }: HttpResponse): boolean {
  if (status === 410 || status === 429) return true;
  const { error, error_description: description } = parseObject(body) ?? {};
  const hasError = status >= 400 && readText(error) !== undefined;
  return hasError && (status === 400 || readText(description) !== undefined);
}
