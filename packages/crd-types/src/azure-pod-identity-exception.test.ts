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
    const spec = { podLabels: { app: 'mic' }, clientIDs: ['a', 'b'] };
    expect(parseAzurePodIdentityException({ metadata, spec })).toMatchObject({
      ok: true,
      value: { spec: { podLabels: { app: 'mic' }, clientIDs: ['a', 'b'] } },
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

  test('with a label that is not a string is refused', () => {
    expect(parseAzurePodIdentityException({ metadata, spec: { podLabels: { on: true } } })).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.podLabels' }],
    });
  });
});
