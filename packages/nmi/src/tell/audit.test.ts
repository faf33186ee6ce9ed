import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { inbound, issuanceOf } from '../../test/builders.ts';
import type { SentResponse, Outcome } from '../respond/outcome.ts';
import { createAudit } from './audit.ts';

type Line = Readonly<Record<string, string | number>>;

const stage = (format: 'json' | 'text' = 'json') => {
  const clock = createFakeClock(0);
  const lines: string[] = [];
  const output = { isBehind: false, write: (line: string) => void lines.push(line) };
  const audit = createAudit({ format, output, clock });
  const stop = new AbortController();
  void audit.run(stop.signal);
  const tell = (outcome: Outcome, over: Partial<SentResponse> = {}) =>
    audit.onSent({
      request: inbound('', { receivedAt: clock.elapsed() }),
      route: 'token',
      outcome,
      status: 200,
      ms: 5,
      ...over,
    });
  /** The lines that were written since the last call. */
  const parsed = () => lines.splice(0).map((line) => JSON.parse(line) as Line);
  const end = () => lines.push(...audit.rest());
  return { clock, output, lines, tell, parsed, end, stop };
};
const issuance = issuanceOf('reader');
const token = { kind: 'token' as const, ...issuance };
const minute = 60_000;

it('writes who got a token of which identity for which audience, from where, and when, at once', () => {
  const { tell, parsed } = stage();
  tell(token);
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: '1970-01-01T00:00:00.000Z',
      component: 'nmi',
      pod: 'default/web',
      uid: 'uid-web',
      identity: 'default/reader',
      client: expect.stringContaining('REDACTED') as string,
      resource: 'https://vault.azure.net',
      route: 'token',
      from: 'miss',
      msg: 'token issued',
    },
  ]);
});

it('writes further ones once a minute: how many, from where, the first and the last', async () => {
  const { clock, tell, parsed } = stage();
  tell(token);
  parsed();
  for (const from of ['hit', 'hit', 'joined', 'stale', 'miss', 'hit'] as const) {
    await clock.advance(1_000);
    tell({ ...token, from });
  }
  expect(parsed()).toEqual([]);
  await clock.advance(minute);
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: '1970-01-01T00:01:00.000Z',
      component: 'nmi',
      pod: 'default/web',
      uid: 'uid-web',
      identity: 'default/reader',
      client: expect.stringContaining('REDACTED') as string,
      resource: 'https://vault.azure.net',
      route: 'token',
      count: 6,
      hit: 3,
      joined: 1,
      miss: 1,
      stale: 1,
      first: '1970-01-01T00:00:01.000Z',
      last: '1970-01-01T00:00:06.000Z',
      msg: 'tokens issued',
    },
  ]);
  tell(token);
  await clock.advance(minute);
  expect(parsed()).toMatchObject([{ msg: 'tokens issued', count: 1, first: '1970-01-01T00:01:06.000Z' }]);
});

it('after some quiet minutes, the next token is written at once again', async () => {
  const { clock, tell, parsed } = stage();
  tell(token);
  await clock.advance(3 * minute);
  tell(token);
  expect(parsed().map(({ msg }) => msg)).toEqual(['token issued', 'token issued']);
  await clock.advance(3 * minute);
  expect(parsed()).toEqual([]);
});

it('tells pods, identities, clients, routes and resources apart, however often they alternate', () => {
  const { tell, parsed, end } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 20; index += 1) tell({ ...token, resource: `r${index}` });
    tell({ ...token, pod: 'shop/web', uid: 'uid-other' });
    tell({ ...token, identity: 'default/writer' });
    tell({ ...token, issued: { ...token.issued, clientId: 'another' } });
    tell({ ...token, kind: 'host-token' }, { route: 'host-token' });
  }
  end();
  const seen = parsed().map(
    ({ pod, identity, resource, route, count = 1 }) =>
      `${String(pod)} ${String(identity)} ${String(resource)} ${String(route)} ${count}`,
  );
  const round = (count: number) => [
    ...Array.from({ length: 20 }, (_, index) => `default/web default/reader r${index} token ${count}`),
    `shop/web default/reader https://vault.azure.net token ${count}`,
    `default/web default/writer https://vault.azure.net token ${count}`,
    `default/web default/reader https://vault.azure.net token ${count}`,
    `default/web default/reader https://vault.azure.net host-token ${count}`,
  ];
  expect(seen.toSorted()).toEqual([...round(1), ...round(2)].toSorted());
});

it('a pod of the same name that came later is another one', () => {
  const { tell, parsed } = stage();
  tell(token);
  tell({ ...token, uid: 'uid-new' });
  expect(parsed().map(({ uid }) => uid)).toEqual(['uid-web', 'uid-new']);
});

it('says which client the machine gave to an exempt pod, shortened', () => {
  const { tell, parsed } = stage();
  tell({ ...token, identity: '' });
  expect(parsed()[0]).toMatchObject({ identity: '', client: expect.stringContaining('REDACTED') as string });
});

it.each(['json', 'text'] as const)('%s: a resource ends no line and does not go on for ever', (format) => {
  const { tell, lines } = stage(format);
  tell({
    ...token,
    resource: `x"\n2026-01-01T00:00:00Z INFO  nmi token issued pod=a/b \u0085\u2028${'y'.repeat(3_000)}`,
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n\r\u0085\u2028]+\n$/);
  expect(lines[0]?.length).toBeLessThan(700);
  expect(lines[0]?.split(' INFO ').length).toBeLessThanOrEqual(format === 'text' ? 3 : 2);
});

it('says nothing of what was not given', async () => {
  const { clock, tell, lines, end } = stage();
  tell({ kind: 'denied', pod: 'default/web', denial: { why: 'no-label' } }, { status: 400 });
  tell({ kind: 'starting' });
  await clock.advance(minute);
  end();
  expect(lines).toEqual([]);
});

it('knows neither the token nor the client id of a bound pod', () => {
  const { tell, lines, end } = stage();
  tell(token);
  tell(token);
  end();
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toContain(issuance.issued.access.token);
  expect(lines.join('')).not.toContain(issuance.issued.clientId);
});

it('a pod with more resources than are told apart has one count of the others for each identity', async () => {
  const { clock, tell, parsed } = stage();
  for (let index = 0; index < 100; index += 1) tell({ ...token, resource: `r${index}` });
  tell({ ...token, identity: 'default/writer' });
  tell({ ...token, identity: 'default/writer', resource: 'another' });
  // As if there were no place for it, whatever the pod asked before.
  const long = 'x'.repeat(257);
  tell({ ...token, uid: 'uid-other', resource: long });
  tell({ ...token, uid: 'uid-other', resource: `${long}y` });
  const first = parsed();
  expect(first.map(({ resource }) => resource)).toEqual([
    ...Array.from({ length: 33 }, (_, index) => `r${index}`),
    'https://vault.azure.net',
    `${long.slice(1)}…`,
  ]);
  await clock.advance(minute);
  expect(parsed()).toMatchObject([
    { uid: 'uid-web', identity: 'default/reader', count: 67 },
    { uid: 'uid-web', identity: 'default/writer', count: 1 },
    { uid: 'uid-other', identity: 'default/reader', count: 1 },
  ]);
  await clock.advance(3 * minute);
  tell({ ...token, resource: 'r99' });
  expect(parsed()).toMatchObject([{ msg: 'token issued', resource: 'r99' }]);
});

it('while nobody reads, tokens are only counted; what was not told is told when somebody does', async () => {
  const { clock, output, tell, parsed } = stage();
  output.isBehind = true;
  tell(token);
  await clock.advance(10 * minute);
  tell(token);
  expect(parsed()).toEqual([]);
  output.isBehind = false;
  await clock.advance(1_000);
  expect(parsed()).toMatchObject([
    { count: 2, first: '1970-01-01T00:00:00.000Z', last: '1970-01-01T00:10:00.000Z' },
  ]);
});

it('no namespace waits for the next minute because the reader takes only the lines of one at a time', async () => {
  const { clock, output, tell, lines } = stage();
  for (const pod of ['a/web', 'b/web', 'c/web'])
    for (let n = 0; n < 2; n += 1) tell({ ...token, pod, uid: `uid-${pod}` });
  lines.splice(0);
  output.write = (line) => {
    lines.push(line);
    output.isBehind = true;
    clock.after(1, () => (output.isBehind = false));
  };
  await clock.advance(minute + 5_000);
  expect(lines.map((line) => (JSON.parse(line) as Line)['pod'])).toEqual(['a/web', 'b/web', 'c/web']);
});

it('ends when it is told to, also while nobody reads', async () => {
  const { clock, output, tell, lines, stop } = stage();
  tell(token);
  tell(token);
  output.isBehind = true;
  await clock.advance(minute);
  stop.abort();
  await clock.advance(0);
  expect([lines.length, clock.pending]).toEqual([1, 0]);
});
