import { expect, test } from 'vitest';
import { isOfMetadataService } from './probe.ts';

test.each([
  [400, '{"error":"invalid_request","error_description":"Required metadata header not specified"}', true],
  [400, 'unreachable', true],
  [401, '', true],
  [403, 'Forbidden', true],
  [403, 'A socket operation was attempted to an unreachable network', false],
  [404, '', true],
  [410, '', true],
  [429, '', true],
  [500, '', true],
  [502, '', false],
  [503, '', true],
  [504, '', false],
  [200, '<html>', false],
  [302, '', false],
])('%i with %j is of a metadata service: %s', (status, body, expected) => {
  expect(isOfMetadataService({ status, body, retryAfter: null, requestId: null })).toBe(expected);
});
