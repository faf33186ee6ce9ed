import { expect, test } from 'vitest';
import { reportLeftOut } from './report-left-out.ts';

test.each(['AzureIdentity', 'AzureIdentityBinding'] as const)(
  'the owners of an %s that is left out are told on the object, and the log names it',
  (kind) => {
    const { events, lines } = reportLeftOut(kind, { key: 'shop/reader', uid: 'uid-1' });
    const message = events[0]?.message ?? '';
    expect(message).toMatch(/^left out: /);
    expect(events).toMatchObject([
      {
        type: 'Warning',
        reason: 'LeftOut',
        involved: { kind, namespace: 'shop', name: 'reader', uid: 'uid-1' },
      },
    ]);
    expect(lines).toEqual([
      { level: 'warn', fields: { event: 'LeftOut', kind, key: 'shop/reader' }, message },
    ]);
  },
);
