import { expect, test } from 'vitest';
import { isOfMetadataService } from './refusal.ts';

const refusal = '{"error":"invalid_request","error_description":"Required metadata header not specified"}';

test.each([
  [400, refusal, true],
  [400, '{"error":"bad_request_102"}', true],
  [400, '<html>', false],
  [400, '{"message":"x"}', false],
  [400, '{"error":{"code":"BadRequest"}}', false],
  [400, 'unreachable', false],
  [401, '', false],
  [403, refusal, true],
  [403, '{"error":"forbidden"}', false],
  [403, 'A socket operation was attempted to an unreachable network', false],
  [404, '404 page not found', false],
  [404, '{"error":"Not Found"}', false],
  [404, refusal, true],
  [410, '', true],
  [429, '', true],
  [500, '', false],
  [500, '{"error":"unknown","error_description":"Failed to retrieve token"}', true],
  [502, '', false],
  [503, '', false],
  [503, refusal, true],
  [504, '', false],
  [200, '<html>', false],
  [200, refusal, false],
  [302, '', false],
])('%i with %j is of a metadata service: %s', (status, body, expected) => {
  expect(isOfMetadataService({ status, body, retryAfter: null, requestId: null })).toBe(expected);
});
