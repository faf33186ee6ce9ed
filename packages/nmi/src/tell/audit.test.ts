import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { inbound, issuanceOf } from '../../test/builders.ts';
import type { SentResponse, Outcome } from '../respond/outcome.ts';
import { createAudit } from './audit.ts';

type Line = Readonly<Record<string, string>>;

const stage = (format: 'json' | 'text' = 'json') => {
  const clock = createFakeClock(0);
  const lines: string[] = [];
  const output = { lost: 0, write: (line: string) => void lines.push(line) };
  const audit = createAudit({ format, output, clock });
  const tell = (outcome: Outcome, over: Partial<SentResponse> = {}) =>
    audit({ request: inbound(''), route: 'token', outcome, status: 200, ms: 5, ...over });
  /** The lines that were written since the last call. */
  const parsed = () => lines.splice(0).map((line) => JSON.parse(line) as Line);
  return { clock, output, lines, tell, parsed };
};
const issuance = issuanceOf('reader');
const token = { kind: 'token' as const, ...issuance };
const ofPod = (pod: string, over: Partial<typeof token> = {}) => ({
  ...token,
  pod,
  uid: `uid-${pod}`,
  ...over,
});
const hour = 60 * 60_000;
/** Takes as many bytes as a resource can. */
const variant = (index: number) => `https://vault.azure.net/${index}${'/'.repeat(200)}`;

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

it('again after an hour, not before', async () => {
  const { clock, tell, parsed } = stage();
  tell(token);
  await clock.advance(hour - 1);
  tell(token);
  expect(parsed()).toHaveLength(1);
  await clock.advance(1);
  for (let n = 0; n < 2; n += 1) tell({ ...token, from: 'hit' });
  expect(parsed()).toMatchObject([{ time: '1970-01-01T01:00:00.000Z', from: 'hit' }]);
});

it('tells pods, identities, clients, routes and resources apart, however often they alternate', () => {
  const { tell, parsed } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 7; index += 1) tell({ ...token, resource: `r${index}` });
    tell({ ...token, uid: 'uid-new' });
    tell({ ...token, pod: 'shop/web', uid: 'uid-other' });
    tell({ ...token, identity: 'default/writer' });
    tell({ ...token, issued: { ...token.issued, clientId: 'another' } });
    tell({ ...token, kind: 'host-token' }, { route: 'host-token' });
  }
  const seen = parsed().map((line) =>
    ['uid', 'identity', 'resource', 'route'].map((name) => line[name]).join(' '),
  );
  expect(seen).toEqual([
    ...Array.from({ length: 7 }, (_, index) => `uid-web default/reader r${index} token`),
    'uid-new default/reader https://vault.azure.net token',
    'uid-other default/reader https://vault.azure.net token',
    'uid-web default/writer https://vault.azure.net token',
    'uid-web default/reader https://vault.azure.net token',
    'uid-web default/reader https://vault.azure.net host-token',
  ]);
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
  expect(lines.join('')).not.toContain(issuance.issued.access.token);
  expect(lines.join('')).not.toContain(issuance.issued.clientId);
});

it('a pod with more resources than are told apart has one line for the others of each identity', () => {
  const { tell, parsed } = stage();
  // A long one takes no place of others.
  const long = 'x'.repeat(257);
  tell({ ...token, resource: long });
  for (let index = 0; index < 100; index += 1) tell({ ...token, resource: `r${index}` });
  tell({ ...token, resource: `${long}y` });
  tell({ ...token, identity: 'default/writer' });
  expect(parsed().map(({ resource }) => resource)).toEqual([
    `${long.slice(1)}…`,
    ...Array.from({ length: 7 }, (_, index) => `r${index}`),
    'https://vault.azure.net',
  ]);
});

it('a line that the reader had no room for is written at the next token', () => {
  const { output, tell, parsed } = stage();
  const { write } = output;
  output.write = () => void (output.lost += 1);
  tell(token);
  output.write = write;
  for (let n = 0; n < 2; n += 1) tell(token);
  expect(parsed()).toHaveLength(1);
});

it('attack: a namespace with varied resources and new pods all the time writes 32 KiB a minute, and takes no line of others', async () => {
  const { clock, tell, lines } = stage();
  const minutes = 4;
  for (let second = 0; second < minutes * 60; second += 1) {
    for (let n = 0; n < 200; n += 1)
      tell(ofPod('hostile/pod', { uid: `${second}-${n % 12}`, resource: variant((second + n) % 100) }));
    if (second % 60 === 7) tell(ofPod('victim/web', { identity: `victim/${second}` }));
    await clock.advance(1_000);
  }
  const bytes = lines.filter((line) => line.includes('"hostile/')).join('').length;
  expect(bytes).toBeLessThanOrEqual((minutes + 2) * 32 * 1024);
  expect(lines.filter((line) => line.includes('"victim/web"'))).toHaveLength(minutes);
});

it('attack: a pod cannot hide which identity it used behind many resources, of an identity or of many pods', () => {
  const { tell, parsed } = stage();
  for (let n = 0; n < 2_000; n += 1)
    tell(ofPod(`shop/web-${n % 20}`, { resource: variant(n), identity: 'shop/usual' }));
  tell(ofPod('shop/web-0', { identity: 'shop/secret' }));
  expect(parsed().filter(({ identity }) => identity === 'shop/secret')).toHaveLength(1);
});

it('what finds no bytes left is written at a later token', async () => {
  const { clock, tell, parsed } = stage();
  for (let n = 0; n < 100; n += 1) tell(ofPod(`shop/web-${n}`));
  expect(parsed().length).toBeLessThan(90);
  await clock.advance(5_000);
  tell(ofPod('shop/web-99'));
  expect(parsed()).toMatchObject([{ pod: 'shop/web-99' }]);
});
