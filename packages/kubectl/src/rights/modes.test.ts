import { expect, test } from 'vitest';
import type { Services } from '../cluster/services.ts';
import { rulesOf } from './modes.ts';

const mic = (mode: string, forceNamespaced = true) => ({ config: { access: { mode }, forceNamespaced } });
const nmi = (identityAccess: string, forceNamespaced = true) => ({
  config: { identityAccess, forceNamespaced },
});
const unread = { config: { problems: ['unknown flag'] } };

test.each([
  ['MIC alone', { mic: [mic('warn')], nmi: [] }, ['warn', true]],
  ['NMI alone', { mic: [], nmi: [nmi('rbac')] }, ['rbac', true]],
  ['NMI is stricter than MIC', { mic: [mic('namespace')], nmi: [nmi('rbac')] }, ['rbac', true]],
  ['MIC is stricter than NMI', { mic: [mic('rbac')], nmi: [nmi('namespace')] }, ['rbac', true]],
  ['NMI lets other namespaces', { mic: [mic('warn')], nmi: [nmi('warn', false)] }, ['warn', false]],
  ['MIC alone is understood', { mic: [mic('warn')], nmi: [unread] }, ['warn', true]],
])('the rules that count: %s', (_, installed, [mode, forceNamespaced]) => {
  const services = { ...installed, unknown: [] } as unknown as Services;
  const rules = rulesOf(services);
  expect(rules).toEqual({ isKnown: true, mode, forceNamespaced, notes: [] });
});

test('flags that are not known count as the strictest, and that is said', () => {
  const services = { mic: [unread], nmi: [], unknown: [] } as unknown as Services;
  const rules = rulesOf(services);
  expect(rules).toMatchObject({
    isKnown: false,
    mode: 'rbac',
    notes: [expect.stringContaining('not known')],
  });
});
