// What imds-client, @azure/identity and msal-node do with the answers that IMDS documents and with broken ones; all at the same time.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { scriptedAnswers } from '../clients/coping-answers.ts';
import { measureCoping } from '../clients/coping-namespace.ts';
import { copingTable, readme, withTable, type CopingCells } from '../clients/coping.ts';
import { whyNoNamespaces } from '../clients/pod-namespace.ts';

const missing = whyNoNamespaces();
if (missing !== undefined) console.warn(`coping is skipped: ${missing}`);

describe.skipIf(missing !== undefined)('answers that are sent once', () => {
  let cells: CopingCells;

  beforeAll(async () => {
    cells = await measureCoping();
  });

  test('imds-client does with each of them what it promises', () => {
    const own = Object.fromEntries(Object.entries(cells).map(([title, [first]]) => [title, first]));
    expect(own).toEqual(Object.fromEntries(scriptedAnswers.map(({ title, promised }) => [title, promised])));
  });

  test('its README says what all clients do (written by `node tools/e2e/clients/measure.ts coping`)', async () => {
    const text = await readFile(readme, 'utf8');
    expect(withTable(text, copingTable(cells))).toBe(text);
  });
});
