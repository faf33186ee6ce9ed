import { expect, test } from 'vitest';
import { withoutScope } from './resource.ts';

test.each([
  ['https://vault.azure.net', 'https://vault.azure.net'],
  ['https://vault.azure.net/', 'https://vault.azure.net/'],
  ['https://vault.azure.net/.default', 'https://vault.azure.net'],
  ['api://x/.default/.default', 'api://x'],
  ['api://x//.default', 'api://x/'],
  ['api://x/.default/y', 'api://x/.default/y'],
  ['/.default', ''],
  ['', ''],
])('of %j it leaves %j', (given, left) => {
  expect(withoutScope(given)).toBe(left);
});
