import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createRights } from './rights.ts';

const request = {
  pod: { namespace: 'pay', name: 'web', uid: 'u' },
  tenant: '11111111-1111-1111-1111-111111111111',
  clientId: 'aaaaaaaa-1111-1111-1111-111111111111',
  resource: 'r',
};

it.each([
  [true, undefined],
  [false, 'not_ready'],
  [undefined, 'not_ready'],
])(
  'a request that comes before the first look for a stranger waits for it (refused: %s)',
  async (isRefused, code) => {
    const clock = createFakeClock();
    let result: boolean | undefined;
    const looked = clock.sleep(1_000).then(() => {
      result = isRefused;
    });
    const rights = createRights(() => Promise.resolve(true), { isRefused: () => result, looked }, clock);
    const refusal = rights.refusal(request, { node: 'n1', account: 'web' });
    await clock.advance(1_000);
    expect((await refusal)?.code).toBe(code);
  },
);

it('of more reviews than may wait, the last ones are refused as too many', async () => {
  const rights = createRights(
    () => new Promise(() => undefined),
    { isRefused: () => true, looked: Promise.resolve() },
    createFakeClock(),
  );
  const codes: (string | undefined)[] = [];
  for (let index = 0; index < 1_000; index += 1) {
    const clientId = `aaaaaaaa-1111-1111-1111-${String(index).padStart(12, '0')}`;
    void rights
      .refusal({ ...request, clientId }, { node: 'n1', account: 'web' })
      .then((refusal) => codes.push(refusal?.code));
  }
  await new Promise(setImmediate);
  expect(new Set(codes)).toEqual(new Set(['too_many_requests']));
});
