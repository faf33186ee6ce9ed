import { expect, test } from 'vitest';
import { copiedText } from './words.ts';

test('attack: nothing that an editor writes into an object is a key for the terminal into which a command is pasted, but the end of a line', () => {
  const controls = String.fromCharCode(...Array.from({ length: 0xa0 }, (_, code) => code));
  expect(copiedText(`kubectl label 'a${controls}b' \u202e`).match(/[\p{Cc}\p{Cf}]/gu)).toEqual(['\n']);
});
