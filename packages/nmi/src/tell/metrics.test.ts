import { createMetrics } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import { metricSpecs } from './metrics.ts';

it('W-S11: no request can make a time series of its own', async () => {
  const metrics = createMetrics(metricSpecs);
  metrics.observe('operations', 1, {
    operation_type: '/metadata/identity/oauth2/token?x=1',
    status_code: '299',
  });
  const lines = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('aadpodidentity_nmi_operations_duration_seconds_count'));
  expect(lines.join()).toContain('operation_type="other"');
  expect(lines.join()).not.toContain('/metadata');
});

it('every name begins as the original’s do, and is there once', () => {
  const names = Object.values(metricSpecs).map(({ name }) => name);
  expect(names.every((name) => name.startsWith('aadpodidentity_'))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
});
