import { describe, expect, it } from 'vitest';
import { tooLargeIn, type Fields } from './fields.ts';
import { createResponseReader, createEventReader } from './response-reader.ts';

const fields: Fields = {
  members: { metadata: { members: { name: { upTo: 128 } } }, spec: { upTo: 128 } },
  anyCase: true,
};
const long = 'm'.repeat(20_000);

describe('an object with the fields of a Status, which an editor may add where no schema removes them', () => {
  const object = {
    metadata: { name: 'x' },
    spec: 's',
    code: 410,
    Message: long,
    details: { retryAfterSeconds: long },
  };

  it('is read by a watch as by a list', () => {
    const listed: unknown[] = [];
    const list = createResponseReader({ fields, onItem: (item) => listed.push(item) });
    list.push(Buffer.from(JSON.stringify({ metadata: {}, items: [object] })));
    list.end(() => new Error('incomplete') as never);
    const events: { object?: unknown }[] = [];
    createEventReader(fields, (event) => events.push(event as object)).push(
      Buffer.from(JSON.stringify({ type: 'MODIFIED', object })),
    );
    expect(tooLargeIn(events[0]?.object)).toEqual(tooLargeIn(listed[0]));
    expect(events[0]?.object).toEqual(listed[0]);
  });

  it('is read as a Status in an event of type ERROR alone', () => {
    const events: unknown[] = [];
    const reader = createEventReader(fields, (event) => events.push(event));
    const status = { code: 410, message: 'too old', details: { retryAfterSeconds: 3 } };
    for (const type of ['ERROR', 'ADDED', 'DELETED', 'ERROR'])
      reader.push(Buffer.from(`${JSON.stringify({ type, object: status })}\n`));
    expect(events).toEqual([
      { type: 'ERROR', object: status },
      { type: 'ADDED', object: {} },
      { type: 'DELETED', object: {} },
      { type: 'ERROR', object: status },
    ]);
  });
});
