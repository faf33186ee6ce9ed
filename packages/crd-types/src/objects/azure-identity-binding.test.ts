import { describe, expect, test } from 'vitest';
import { parseAzureIdentityBinding } from './azure-identity-binding.ts';

const metadata = { name: 'demo', namespace: 'shop' };

describe('an AzureIdentityBinding', () => {
  test('C2, C5 is read with apiVersion, kind, metadata, spec and status', () => {
    const condition = { type: 'Ready', status: 'True', reason: 'r', message: 'm', lastTransitionTime: 't' };
    const object = {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentityBinding',
      metadata,
      spec: { azureIdentity: 'reader', selector: 'demo-app' },
      status: { conditions: [condition] },
    };
    expect(parseAzureIdentityBinding(object)).toEqual({ ok: true, value: object, warnings: [] });
  });

  test.each([
    ['as documented in 2018', { AzureIdentity: 'reader', Selector: 'demo-app', Weight: 1 }],
    ['as stored in 2018', { azureidentity: 'reader', selector: 'demo-app', weight: 1 }],
  ])('is read in the spelling %s', (_, spec) => {
    expect(parseAzureIdentityBinding({ metadata, spec })).toMatchObject({
      ok: true,
      value: { spec: { azureIdentity: 'reader', selector: 'demo-app' } },
    });
  });

  test.each(['selectors', 'SELECTOR', 'slector'])(
    'attack: a label that would be required too, as %s, is refused where a ServiceAccount or labels select',
    (key) => {
      for (const more of [{ serviceAccountName: 'web' }, { podSelector: { matchLabels: { app: 'web' } } }])
        expect(
          parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'reader', [key]: 'x', ...more } }),
        ).toMatchObject({ ok: false, problems: [{ path: `spec.${key}` }] });
    },
  );

  test('says what is missing', () => {
    const parsed = parseAzureIdentityBinding({ metadata });
    expect(!parsed.ok && parsed.problems.map(({ path }) => path)).toEqual([
      'spec.azureIdentity',
      'spec.selector',
    ]);
  });

  test.each(['demo app', 'x'.repeat(64), '-demo', 'app=web'])(
    'with the selector %j, which no label can have, is read with a warning',
    (selector) => {
      const parsed = parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'reader', selector } });
      expect(parsed).toMatchObject({
        ok: true,
        value: { spec: { selector } },
        warnings: [
          {
            path: 'spec.selector',
            message: expect.stringMatching(
              /^is ".*", which no label can have as its value, .*: write at most 63 /,
            ),
          },
        ],
      });
    },
  );

  test('with a number for a selector says to quote it', () => {
    const parsed = parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'reader', selector: 1 } });
    expect(!parsed.ok && parsed.problems[0]).toEqual({
      path: 'spec.selector',
      message: 'must be a string (put it in quotes), not a number',
    });
  });
});

describe('the conditions of a binding', () => {
  const parse = (spec: object) =>
    parseAzureIdentityBinding({ metadata: { name: 'b' }, spec: { azureIdentity: 'a', ...spec } });

  test.each(['web', 'x'.repeat(253), 'a.b-c'])('a ServiceAccount may be named %s', (serviceAccountName) => {
    expect(parse({ serviceAccountName })).toMatchObject({
      ok: true,
      value: { spec: { serviceAccountName } },
    });
  });

  test.each(['Web', 'a_b', '-a', 'x'.repeat(254)])('no ServiceAccount is named %s', (serviceAccountName) => {
    const message = 'must be the name of a ServiceAccount';
    expect(parse({ serviceAccountName })).toEqual({
      ok: false,
      problems: [{ path: 'spec.serviceAccountName', message }],
    });
  });

  test('an empty podSelector has a warning, and an absent one none', () => {
    const warning = {
      path: 'spec.podSelector',
      message: 'is empty: it selects nothing, and leaves out nothing',
    };
    expect(parse({ selector: 's', podSelector: {} })).toMatchObject({ warnings: [warning] });
    expect(parse({ selector: 's', podSelector: null })).toMatchObject({ warnings: [] });
    expect(parse({ selector: 's', podSelector: { matchLabels: { a: 'b' } } })).toMatchObject({
      warnings: [],
    });
  });

  test('a podSelector may be for pods without the label, if there is no selector', () => {
    const podSelector = { matchExpressions: [{ key: 'aadpodidbinding', operator: 'DoesNotExist' }] };
    expect(parse({ podSelector })).toMatchObject({ warnings: [] });
  });

  test('a selector has eight expressions of sixteen values at most', () => {
    const values = Array.from({ length: 17 }, (_, at) => `v${at}`);
    const expressions = Array.from({ length: 9 }, (_, at) => ({ key: `k${at}`, operator: 'Exists' }));
    const one = (count: number) => ({ key: 'a', operator: 'In', values: values.slice(0, count) });
    const selector = (...matchExpressions: object[]) => parse({ podSelector: { matchExpressions } });
    expect(selector(...expressions.slice(1))).toMatchObject({ ok: true });
    expect(selector(...expressions)).toMatchObject({
      problems: [{ message: 'has more than 8 expressions' }],
    });
    expect(selector(one(16))).toMatchObject({ ok: true });
    expect(selector(one(17))).toMatchObject({ problems: [{ message: 'has more than 16 values' }] });
  });
});
