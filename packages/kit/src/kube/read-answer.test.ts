import { describe, expect, it } from 'vitest';
import { tooLargeIn, type Fields } from './fields.ts';
import { createAnswerReader, createEventReader } from './read-answer.ts';

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
    const list = createAnswerReader({ fields, onItem: (item) => listed.push(item) });
    list.push(Buffer.from(JSON.stringify({ metadata: {}, items: [object] })));
    list.end(() => new Error('incomplete') as never);
    const events: { object?: unknown }[] = [];
    createEventReader(fields, (event) => events.push(event as object)).push(
      Buffer.from(JSON.stringify({ type: 'MODIFIED', object })),
    );
    expect(tooLargeIn(events[0]?.object)).toEqual(tooLargeIn(listed[0]));
    expect(events[0]?.object).toEqual(listed[0]);
  });
});
