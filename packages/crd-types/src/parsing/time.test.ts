import { describe, expect, test } from 'vitest';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';

const spec = { type: 1 };

describe('timestamps of metadata', () => {
  test.each([
    ['a string, as in JSON', '2026-01-02T03:04:05Z'],
    ['a string with another zone', '2026-01-02T04:04:05+01:00'],
    ['a Date, as @kubernetes/client-node gives it', new Date('2026-01-02T03:04:05Z')],
  ])('are read as a Date from %s', (_, creationTimestamp) => {
    const parsed = parseAzureIdentity({ metadata: { name: 'a', creationTimestamp }, spec });
    expect(parsed).toMatchObject({
      ok: true,
      value: { metadata: { creationTimestamp: new Date('2026-01-02T03:04:05.000Z') } },
    });
  });

  test.each([
    ['yesterday'],
    ['2026-01-02'],
    ['2026-13-02T03:04:05Z'],
    ['2026-00-02T03:04:05Z'],
    ['2026-01-00T03:04:05Z'],
    ['2026-01-32T03:04:05Z'],
    ['2026-02-29T03:04:05Z'],
    ['2026-02-31T00:00:00Z'],
    ['2100-02-29T00:00:00Z'],
    ['2026-04-31T23:59:59+02:00'],
    ['2026-01-01T24:00:00Z'],
    ['2026-01-01T25:00:00Z'],
    ['2026-01-01T00:60:00Z'],
    ['2026-01-01T00:00:60Z'],
    ['2026-01-01T00:00:00+24:00'],
    ['2026-01-01T00:00:00-00:60'],
    ['2026-01-01t00:00:00z'],
    [new Date(Number.NaN)],
    [5],
    [{}],
  ])('are refused if they are %s', (deletionTimestamp) => {
    expect(parseAzureIdentityBinding({ metadata: { name: 'a', deletionTimestamp } })).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        {
          path: 'metadata.deletionTimestamp',
          message: expect.stringContaining('must be a time such as 2026-01-31T12:00:00Z'),
        },
      ]),
    });
  });

  test.each([
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59.999999999Z', '2000-02-29T23:59:59.999Z'],
    ['2026-12-31T23:30:00-23:59', '2027-01-01T23:29:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is %s', (creationTimestamp, iso) => {
    const parsed = parseAzureIdentity({ metadata: { name: 'a', creationTimestamp }, spec });
    expect(parsed.ok && parsed.value.metadata.creationTimestamp?.toISOString()).toBe(iso);
  });

  test.each([[null], [undefined], ['']])('may be %j', (creationTimestamp) => {
    const parsed = parseAzureIdentity({ metadata: { name: 'a', creationTimestamp }, spec });
    expect(parsed.ok && Object.keys(parsed.value.metadata)).toEqual(['name']);
  });

  test('of a condition stay the strings that they were; Dates become strings in RFC 3339', () => {
    const condition = { type: 'Ready', status: 'True', reason: 'R', message: 'm' };
    const at = (lastTransitionTime: unknown) =>
      parseAzureIdentity({
        metadata: { name: 'a' },
        spec,
        status: { conditions: [{ ...condition, lastTransitionTime }] },
      });
    for (const time of ['2026-01-02T03:04:05Z', new Date('2026-01-02T03:04:05Z')])
      expect(at(time)).toMatchObject({
        value: {
          status: {
            conditions: [{ lastTransitionTime: expect.stringMatching(/^2026-01-02T03:04:05(\.000)?Z$/) }],
          },
        },
      });
  });
});
