import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { AzureError, keepToken, principalIn, type TokenWithEnd } from './token-keeper.ts';

const hour = 3_600_000;
const going = new AbortController().signal;

function keeper() {
  const clock = createFakeClock();
  const asked: { fresh: boolean; response: PromiseWithResolvers<TokenWithEnd> }[] = [];
  const credential = keepToken(
    ({ fresh }) => {
      const response = Promise.withResolvers<TokenWithEnd>();
      asked.push({ fresh, response });
      return response.promise;
    },
    { clock, hint: 'exempt it' },
  );
  const give = (token: string) =>
    asked.at(-1)?.response.resolve({ token, expiresOnTimestamp: clock.now() + hour });
  return { clock, asked, credential, give };
}

describe('MIC’s own token', () => {
  it('is requested once for all callers, and kept until five minutes before its expiry', async () => {
    const { clock, asked, credential, give } = keeper();
    const both = Promise.all([credential.getToken(going), credential.getToken(going)]);
    give('one');
    expect(await both).toEqual(['one', 'one']);
    await clock.advance(hour - 5 * 60_000 - 1);
    expect(await credential.getToken(going)).toBe('one');
    await clock.advance(1);
    const renewed = credential.getToken(going);
    give('two');
    expect(await renewed).toBe('two');
    expect(asked).toHaveLength(2);
  });

  it('is used while its renewal fails, until its expiry', async () => {
    const { clock, asked, credential, give } = keeper();
    const first = credential.getToken(going);
    give('one');
    await first;
    await clock.advance(hour - 5 * 60_000);
    const renewal = credential.getToken(going);
    asked.at(-1)?.response.reject(new Error('down'));
    expect(await renewal).toBe('one');
    await clock.advance(5 * 60_000);
    const over = credential.getToken(going);
    asked.at(-1)?.response.reject(new Error('down'));
    await expect(over).rejects.toThrow('no token for ARM: down');
  });

  it('is requested again after ARM refused it', async () => {
    const { asked, credential, give } = keeper();
    const first = credential.getToken(going);
    give('one');
    await first;
    credential.invalidate();
    const second = credential.getToken(going);
    give('two');
    expect(await second).toBe('two');
    expect(asked.map(({ fresh }) => fresh)).toEqual([false, true]);
  });

  it('without a response, fails within 30 s with an error that names NMI’s interception', async () => {
    const { clock, credential } = keeper();
    const never = credential.getToken(going);
    const failure = expect(never).rejects.toMatchObject({
      code: 'token-unavailable',
      message: expect.stringContaining('exempt it') as string,
    });
    await clock.advance(30_000);
    await failure;
    await expect(never).rejects.toBeInstanceOf(AzureError);
  });

  it('is still returned to other callers when one aborts', async () => {
    const { credential, give } = keeper();
    const term = new AbortController();
    const gone = credential.getToken(term.signal);
    const stays = credential.getToken(going);
    term.abort(new Error('stopping'));
    await expect(gone).rejects.toThrow('stopping');
    give('one');
    expect(await stays).toBe('one');
  });

  it('contains the principal', () => {
    const claims = Buffer.from(JSON.stringify({ oid: 'principal' })).toString('base64url');
    expect(principalIn(`head.${claims}.signature`)).toBe('principal');
    expect(principalIn('opaque')).toBeUndefined();
  });
});
