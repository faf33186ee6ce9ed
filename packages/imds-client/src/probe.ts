import type { Answer } from './response.ts';

/**
 * Whether the response to a request without the header `Metadata` is one of a metadata service: a refusal. The service answers nothing else
 * to it; 403 with "unreachable" comes from Docker Desktop, 502 and 504 from something between.
 */
export function isOfMetadataService({ status, body }: Answer): boolean {
  if (status < 400 || status === 502 || status === 504) return false;
  return status !== 403 || !/unreachable/i.test(body);
}
