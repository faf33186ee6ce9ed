import { expect, test } from 'vitest';
import { resourceOfScopes } from './request.ts';

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
  expect(() => resourceOfScopes(scopes)).toThrow(new TypeError('scopes must be one text'));
});

test.each([[undefined], [null], [5], [{}], [[undefined]], [['a', 5]], ['']])(
  'scopes %j are refused by name',
  (scopes) => {
    expect(() => resourceOfScopes(scopes as never)).toThrow(/^scopes must be one text/);
    expect(() => resourceOfScopes(scopes as never)).toThrow(TypeError);
  },
);
