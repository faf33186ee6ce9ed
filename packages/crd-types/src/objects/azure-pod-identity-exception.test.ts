import { describe, expect, test } from 'vitest';
import { parseAzurePodIdentityException } from './azure-pod-identity-exception.ts';

const metadata = { name: 'mic', namespace: 'kube-system' };

describe('an AzurePodIdentityException', () => {
  test.each([
    ['today', { podLabels: { app: 'mic', Tier: 'X' } }],
    ['in 2019', { PodLabels: { app: 'mic', Tier: 'X' } }],
    ['all lower case', { podlabels: { app: 'mic', Tier: 'X' } }],
  ])('C8 keeps its pod labels as they are, spelled %s', (_, spec) => {
    expect(parseAzurePodIdentityException({ metadata, spec })).toMatchObject({
      ok: true,
      value: {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        metadata,
        spec: { podLabels: { app: 'mic', Tier: 'X' } },
      },
    });
  });

  test('can free some client ids only', () => {
    const clientIDs = ['2c1b6f5e-1111-4222-8333-0123456789ab', '2C1B6F5E-1111-4222-8333-0123456789AC'];
    const spec = { podLabels: { app: 'mic' }, clientIDs };
    expect(parseAzurePodIdentityException({ metadata, spec })).toMatchObject({
      ok: true,
      value: { spec },
      warnings: [],
    });
  });

  test('that frees no client id is read, with a warning', () => {
    const spec = { podLabels: { app: 'mic' }, clientIDs: [] };
    expect(parseAzurePodIdentityException({ metadata, spec })).toMatchObject({
      ok: true,
      value: { spec: { clientIDs: [] } },
      warnings: [{ path: 'spec.clientIDs' }],
    });
  });

  test('for no pod is read, with a warning', () => {
    expect(parseAzurePodIdentityException({ metadata, spec: {} })).toMatchObject({
      ok: true,
      value: { spec: { podLabels: {} } },
      warnings: [{ path: 'spec.podLabels' }],
    });
  });

  test.each([
    ['key', { 'a b': 'x' }, /^has the key "a b", which no label can have: write /],
    ['prefix', { [`${'p'.repeat(254)}/a`]: 'x' }, /^has the key "p+\.\.\.", which no label can have: write /],
    ['value', { app: 'a b' }, /^has "app": "a b", which no label can have as its value: write /],
    ['long value', { app: 'v'.repeat(64) }, /^has "app": "v+", which no label can have as its value: write /],
    ['empty key', { '': 'x' }, /^has the key nothing, which no label can have: write /],
  ])('with a %s that no label can have is read with a warning', (_, bad, text) => {
    const spec = { podLabels: { good: '', ...bad } };
    const parsed = parseAzurePodIdentityException({ metadata, spec });
    const message = expect.stringMatching(text);
    expect(parsed).toMatchObject({
      ok: true,
      value: { spec },
      warnings: [{ path: 'spec.podLabels', message }],
    });
  });

  test('with a client id that cannot be one is read with a warning', () => {
    const spec = { podLabels: { app: 'mic' }, clientIDs: ['reader'] };
    expect(parseAzurePodIdentityException({ metadata, spec })).toMatchObject({
      ok: true,
      warnings: [{ path: 'spec.clientIDs', message: expect.stringContaining('"reader", which is no GUID') }],
    });
  });

  test('with a label that is not a string is refused', () => {
    expect(parseAzurePodIdentityException({ metadata, spec: { podLabels: { on: true } } })).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.podLabels' }],
    });
  });
});
