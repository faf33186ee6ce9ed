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

  it('attack: in many spellings they take nothing from the limit of its own fields', () => {
    const spellings = Array.from({ length: 64 }, (_, bits) =>
      Array.from('message', (letter, at) => (bits & (1 << at) ? letter.toUpperCase() : letter)).join(''),
    );
    // Together as large as what is read of one object.
    const sizes = [
      ...Array<number>(20).fill(8_000),
      ...Array<number>(20).fill(1_000),
      ...Array<number>(24).fill(50),
    ];
    const messages = spellings.map((name, at) => [name, 'm'.repeat(sizes[at] ?? 0)] as const);
    const large = { ...Object.fromEntries(messages), ...object, spec: 's'.repeat(100) };
    const events: { object?: unknown }[] = [];
    createEventReader(fields, (event) => events.push(event as object)).push(
      Buffer.from(JSON.stringify({ type: 'ADDED', object: large })),
    );
    expect(events).toEqual([{ type: 'ADDED', object: { metadata: { name: 'x' }, spec: large.spec } }]);
    expect(tooLargeIn(events[0]?.object)).toEqual([]);
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
