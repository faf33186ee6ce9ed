import { expect, it, vi } from 'vitest';
import { inbound, issuanceOf } from '../../test/builders.ts';
import type { Answered } from '../respond/answered.ts';
import { createAudit } from './audit.ts';
import type { Outcome } from '../respond/outcome.ts';

const stage = (format: 'json' | 'text' = 'json') => {
  const lines: string[] = [];
  const say = createAudit({ format, append: (line) => lines.push(line) });
  const tell = (outcome: Outcome, over: Partial<Answered> = {}) =>
    say({
      request: inbound('', { receivedAt: 1_000 }),
      route: 'token',
      outcome,
      status: 200,
      ms: 5,
      ...over,
    });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, string>);
  return { lines, tell, parsed };
};
const issuance = issuanceOf('reader');
const token: Outcome = { kind: 'token', ...issuance };

it('writes who got a token of which identity for which audience, from where, and when', () => {
  const { tell, parsed } = stage();
  tell(token);
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: '1970-01-01T00:00:01.005Z',
      component: 'nmi',
      pod: 'default/web',
      uid: 'uid-web',
      identity: 'default/reader',
      resource: 'https://vault.azure.net',
      route: 'token',
      from: 'miss',
      msg: 'token issued',
    },
  ]);
});

it('writes a line for each, each with its own time and origin', () => {
  const { tell, parsed } = stage();
  for (const [ms, from] of [
    [1, 'miss'],
    [1, 'hit'],
    [2, 'hit'],
    [3, 'joined'],
    [4, 'stale'],
  ] as const) {
    tell({ ...token, from }, { ms });
  }
  tell({ ...token, kind: 'host-token' }, { route: 'host-token' });
  expect(parsed().map(({ time, from, route }) => `${time?.slice(-5, -1)} ${from} ${route}`)).toEqual([
    '.001 miss token',
    '.001 hit token',
    '.002 hit token',
    '.003 joined token',
    '.004 stale token',
    '.005 miss host-token',
  ]);
});

it('tells pods, identities and resources apart, however often they alternate', () => {
  const { tell, parsed } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 20; index += 1) tell({ ...token, resource: `r${index}` });
    tell({ ...token, pod: 'shop/web', uid: 'uid-other' });
    tell({ ...token, identity: 'default/writer' });
  }
  const seen = parsed().map(({ pod, identity, resource }) => `${pod} ${identity} ${resource}`);
  const round = [
    ...Array.from({ length: 20 }, (_, index) => `default/web default/reader r${index}`),
    'shop/web default/reader https://vault.azure.net',
    'default/web default/writer https://vault.azure.net',
  ];
  expect(seen).toEqual([...round, ...round, ...round]);
});

it('says of which namespace each line is: none of them may take all the room that there is for lines', () => {
  const append = vi.fn();
  const say = createAudit({ format: 'json', append });
  for (const pod of ['default/web', 'shop/web', 'shop/web'])
    say({
      request: inbound(''),
      route: 'token',
      status: 200,
      ms: 5,
      outcome: { ...token, pod, uid: `uid-${pod}` },
    });
  expect(append.mock.calls.map(([, namespace]) => String(namespace))).toEqual(['default', 'shop', 'shop']);
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

it('says nothing of what was not given', () => {
  const { tell, lines } = stage();
  tell({ kind: 'denied', pod: 'default/web', denial: { why: 'no-label' } }, { status: 400 });
  tell({ kind: 'starting' });
  expect(lines).toEqual([]);
});

it('knows neither the token nor the client id of a bound pod', () => {
  const { tell, lines } = stage();
  tell(token);
  tell(token);
  expect(lines.join('')).not.toContain(issuance.issued.access.token);
  expect(lines.join('')).not.toContain(issuance.issued.clientId);
});
