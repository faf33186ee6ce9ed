import { expect, test } from 'vitest';
import type { PlugInCommand } from './command.ts';
import { completionLines } from './completion.ts';

const command = (name: string): PlugInCommand => ({
  name,
  summary: `about ${name}`,
  options: [{ flags: '-f, --follow', what: 'go on' }],
  examples: [],
  run: () => Promise.resolve(0),
});
const complete = (...words: string[]) => completionLines(['status', 'logs'].map(command), words);

test('commands, with what they are for', () => {
  expect(complete('')).toEqual(['status\tabout status', 'logs\tabout logs', ':4']);
  expect(complete('-n', 'shop', 'lo')).toEqual(['logs\tabout logs', ':4']);
});

test('flags of the command and of all commands', () => {
  expect(complete('logs', '--f')).toEqual(['--follow\tgo on', ':4']);
  expect(complete('logs', '--names')[0]).toMatch(/^--namespace\t/);
  expect(complete('logs', '')).toEqual([':4']);
});

test('values: choices, files of --kubeconfig, and nothing for others', () => {
  expect(complete('status', '-o', '')).toEqual(['wide', 'json', 'yaml', ':4']);
  expect(complete('status', '--kubeconfig', '')).toEqual([':0']);
  expect(complete('-n', '')).toEqual([':4']);
});
