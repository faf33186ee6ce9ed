import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from './shell-word.ts';

test.each(['a/b-c_d.e:f@g', '/subscriptions/s/resourceGroups/g', 'api://AzureADTokenExchange'])(
  'leaves %s as it is',
  (text) => expect(shellWord(text)).toBe(text),
);

test.each([
  '',
  ' ',
  'a b',
  "it's",
  '$(touch /tmp/x)',
  '`id`',
  'a;b',
  'rg(1)',
  '*',
  '~',
  '#',
  'a\nb',
  '"',
  '\\',
  'é',
])('is one word for a shell, with %j unchanged in it', (text) => {
  expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
});
