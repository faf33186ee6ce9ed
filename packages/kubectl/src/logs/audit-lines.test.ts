import { createLog } from '@pod-identity/kit/serve';
import { describe, expect, test } from 'vitest';
import { auditLineOf } from './audit-lines.ts';

/** As NMI's log writes it. */
function written(format: 'json' | 'text', fields: object, message = 'token issued'): string {
  const lines: string[] = [];
  const log = createLog({
    component: 'nmi',
    format,
    destination: { write: (line) => void lines.push(line) },
  });
  log.info({ ...fields }, message);
  return lines.join('').trimEnd();
}

describe.each(['json', 'text'] as const)('in %s', (format) => {
  test('tokens issued to the pod, and refusals, with their fields', () => {
    const fields = { pod: 'shop/web-0', uid: 'u', identity: 'shop/reader', resource: 'https://x/' };
    const line = written(format, fields);
    expect(auditLineOf(line, 'shop/web-0')).toMatchObject({ text: line, fields });
    const refused = written(
      format,
      { subject: 'shop/web-0', status: 403, explanation: 'no "binding" of it' },
      'answered',
    );
    expect(auditLineOf(refused, 'shop/web-0')?.fields).toMatchObject({
      status: 403,
      explanation: 'no "binding" of it',
    });
    expect(auditLineOf(line, 'shop/web-00')).toBeUndefined();
    expect(auditLineOf(line, 'shop/web')).toBeUndefined();
  });

  test('attack: a resource that a pod made up is no line of another pod', () => {
    const resource = 'x" pod=shop/web-0 "pod":"shop/web-0" y= pod=shop/web-0';
    const line = written(format, { resource, pod: 'evil/one' });
    expect(auditLineOf(line, 'shop/web-0')).toBeUndefined();
    expect(auditLineOf(line, 'evil/one')?.fields['resource']).toBe(resource);
  });

  test('attack: … nor in a list, whose quotes and brackets are text', () => {
    const line = written(
      format,
      { subject: '10.0.0.1', pods: ['a/b] pod=shop/web-0 [', '"'], x: { y: '} pod=shop/web-0' } },
      'answered',
    );
    expect(auditLineOf(line, 'shop/web-0')).toBeUndefined();
    expect(auditLineOf(line, '10.0.0.1')).toBeDefined();
  });

  test('other lines are none', () => {
    expect(
      auditLineOf(written(format, { pod: 'shop/web-0' }, 'something else'), 'shop/web-0'),
    ).toBeUndefined();
    expect(auditLineOf('{"pod":', 'shop/web-0')).toBeUndefined();
    expect(auditLineOf('', 'shop/web-0')).toBeUndefined();
  });
});
