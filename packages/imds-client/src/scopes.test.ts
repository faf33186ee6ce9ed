import { expect, test } from 'vitest';
import { resourceOfScopes } from './scopes.ts';

test.each([
  ['https://vault.azure.net/.default', 'https://vault.azure.net'],
  ['https://management.azure.com//.default', 'https://management.azure.com/'],
  ['https://management.azure.com/', 'https://management.azure.com/'],
  ['api://0b1c/.default', 'api://0b1c'],
  ['00000003-0000-0000-c000-000000000000', '00000003-0000-0000-c000-000000000000'],
])('%s asks for %s', (scope, resource) => {
  expect(resourceOfScopes(scope)).toBe(resource);
  expect(resourceOfScopes([scope])).toBe(resource);
});

test.each([[[]], [['a/.default', 'b/.default']]])('scopes %j are refused', (scopes) => {
  expect(() => resourceOfScopes(scopes)).toThrow(
    new TypeError('exactly one scope is needed: a managed identity token is for one resource'),
  );
});
