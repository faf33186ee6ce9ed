import { describe, expect, test } from 'vitest';
import { createJournal, type JournalEntry } from './journal.ts';

const entry = (more: Partial<JournalEntry> = {}): Omit<JournalEntry, 'sequence'> => ({
  at: 0,
  durationMs: 0,
  service: 'arm',
  method: 'GET',
  path: '/a',
  query: '',
  userAgent: '',
  remoteAddress: '',
  outcome: 'answered',
  status: 200,
  ...more,
});

describe('the journal', () => {
  test('finds entries by service, method, path, query, status and mark', () => {
    const journal = createJournal();
    journal.record(entry());
    const mark = journal.mark();
    journal.record(entry({ service: 'imds', method: 'PUT', path: '/b/c', query: 'x=1', status: 404 }));
    const filters = [
      { service: 'imds' },
      { method: 'PUT' },
      { path: /^\/b/ },
      { query: /x=/ },
      { status: 404 },
      { since: mark },
    ];
    for (const filter of filters) expect(journal.entries(filter).map(({ path }) => path)).toEqual(['/b/c']);
    expect(journal.count()).toBe(2);
    expect(journal.count({ service: 'imds', method: 'GET' })).toBe(0);
  });

  test('resolves with the next matching entry, and with a mark also with an earlier one', async () => {
    const journal = createJournal();
    const next = journal.next({ method: 'PUT' });
    journal.record(entry());
    journal.record(entry({ method: 'PUT', path: '/put' }));
    expect((await next).path).toBe('/put');
    expect((await journal.next({ method: 'PUT', since: 0 })).sequence).toBe(2);
  });

  test('keeps the newest entries when it is full', () => {
    const journal = createJournal(10);
    for (let i = 1; i <= 25; i += 1) journal.record(entry({ path: `/${i}` }));
    expect(journal.count()).toBeLessThanOrEqual(10);
    expect(journal.entries().at(-1)).toMatchObject({ sequence: 25, path: '/25' });
    journal.clear();
    expect([journal.count(), journal.mark()]).toEqual([0, 25]);
  });
});
