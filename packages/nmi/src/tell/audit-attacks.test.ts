// Pods of one namespace that cause as many lines as they can, beside a pod of another one.
import fc from 'fast-check';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { inbound, issuanceOf } from '../../test/builders.ts';
import { createAudit } from './audit.ts';

interface Give {
  readonly pod: string;
  readonly uid?: string;
  readonly identity?: string;
  readonly resource?: string;
  readonly from?: 'hit' | 'joined' | 'miss' | 'stale';
  readonly clientId?: string;
}
type Line = Readonly<Record<string, string | number>>;

const vault = 'https://vault.azure.net';
const token = { kind: 'token' as const, ...issuanceOf('reader') };

function stage() {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const lines: string[] = [];
  const output = { isBehind: false, write: (line: string) => void lines.push(line) };
  const audit = createAudit({ format: 'json', output, clock });
  const stop = new AbortController();
  void audit.run(stop.signal);
  const give = ({ pod, uid = `uid-${pod}`, clientId, ...over }: Give) =>
    audit.onSent({
      request: inbound('', { receivedAt: clock.elapsed() }),
      route: 'token',
      status: 200,
      ms: 0,
      outcome: { ...token, pod, uid, ...over, issued: { ...token.issued, ...(clientId && { clientId }) } },
    });
  const parsed = () => lines.map((line) => JSON.parse(line) as Line);
  return {
    clock,
    output,
    give,
    parsed,
    end: () => {
      stop.abort();
      lines.push(...audit.rest());
      return parsed();
    },
    /** What the container runtime stores. */
    bytesOf: (namespace: string) =>
      lines
        .filter((line) => line.includes(`"${namespace}/`) || line.includes(`"namespace":"${namespace}"`))
        .reduce((sum, line) => sum + Buffer.byteLength(line), 0),
  };
}

const countOf = (line: Line) => (line['msg'] === 'token issued' ? 1 : Number(line['count']));
const sumOf = (lines: readonly Line[]) => lines.reduce((sum, line) => sum + countOf(line), 0);
const ofPod = (lines: readonly Line[], pod: string) => lines.filter((line) => line['pod'] === pod);
const ofNamespace = (lines: readonly Line[], namespace: string) =>
  lines.filter((line) => line['namespace'] === namespace || String(line['pod']).startsWith(`${namespace}/`));

const variant = (index: number) => `${vault}/${index}${'/'.repeat(200)}`;
const variants = Array.from({ length: 100 }, (_, index) => variant(index));
/** What the limit of requests lets a namespace have in a second. */
const aSecond = 1_000;

/** 12 pods that vary the resource, and go through it for each of their uids. */
function flood(give: (one: Give) => void, second: number, isNewPod = false): void {
  for (let n = 0; n < aSecond; n += 1) {
    const pod = `hostile/pod-${n % 12}`;
    give({
      pod,
      ...(isNewPod && { uid: `${second}-${n}` }),
      resource: variants[(second * 83 + n) % 100] ?? vault,
      from: 'hit',
    });
  }
}

it.each([
  ['varied resources', false],
  ['varied resources and new pods all the time', true],
])(
  'attack: %s of one namespace: it writes 32 KiB a minute, and all lines of the others are there',
  async (_, isNewPod) => {
    const minutes = 4;
    const { clock, give, parsed, bytesOf, end } = stage();
    for (let second = 0; second < minutes * 60; second += 1) {
      flood(give, second, isNewPod);
      if (second % 60 === 7) give({ pod: 'victim/web' });
      await clock.advance(1_000);
    }
    await clock.advance(60_000);
    expect(bytesOf('hostile')).toBeLessThanOrEqual((minutes + 2) * 32 * 1024);
    const victim = ofPod(parsed(), 'victim/web');
    expect(sumOf(victim)).toBe(minutes);
    // To the minute.
    for (const { count = 1 } of victim) expect(count).toBe(1);
    expect(sumOf(ofNamespace(end(), 'hostile'))).toBe(minutes * 60 * aSecond);
  },
);

it('attack: while nobody reads for ten minutes, one namespace takes no line of another', async () => {
  const { clock, give, output, end } = stage();
  output.isBehind = true;
  for (let second = 0; second < 600; second += 10) {
    flood(give, second, true);
    give({ pod: 'victim/web', identity: second === 300 ? 'victim/other' : 'victim/usual' });
    await clock.advance(10_000);
  }
  output.isBehind = false;
  await clock.advance(10_000);
  const victim = ofPod(end(), 'victim/web').map(
    ({ identity, count }) => `${String(identity)} ${String(count)}`,
  );
  expect(victim).toEqual(['victim/usual 59', 'victim/other 1']);
});

it('attack: a namespace with as many lines as it can have at the end of the process does not precede others', () => {
  const { give, end } = stage();
  for (let second = 0; second < 3; second += 1) flood(give, second, true);
  for (let n = 0; n < 3; n += 1) give({ pod: 'victim/web' });
  const [first] = end().filter(({ msg }) => msg === 'tokens issued');
  expect(first).toMatchObject({ pod: 'victim/web', count: 2 });
});

it('attack: no namespace takes all places: whoever has few pods and identities has an entry for each', () => {
  const { give, parsed } = stage();
  for (const namespace of ['hostile-1', 'hostile-2', 'hostile-3', 'hostile-4', 'hostile-5'])
    for (let n = 0; n < 2_000; n += 1) give({ pod: `${namespace}/pod-${n}` });
  const victims = Array.from({ length: 50 }, (_, index) => `victim-${index}/web`);
  for (const pod of victims) give({ pod });
  expect(victims.filter((pod) => ofPod(parsed(), pod).length === 1)).toEqual(victims);
});

it('the entries of all namespaces together are bounded; every token is counted', () => {
  const { give, end } = stage();
  for (let n = 0; n < 60 * 600; n += 1) give({ pod: `ns-${n % 60}/pod-${n}` });
  const lines = end();
  expect(new Set(lines.map(({ pod }) => pod)).size).toBeLessThan(2 * 2_048);
  expect(lines.filter(({ pod }) => pod === undefined)).toHaveLength(60);
  expect(sumOf(lines)).toBe(60 * 600);
});

it('attack: a pod cannot hide which identity it used behind many resources', () => {
  const { give, end } = stage();
  for (let n = 0; n < 20_000; n += 1) give({ pod: 'shop/web', resource: variant(n), identity: 'shop/usual' });
  give({ pod: 'shop/web', identity: 'shop/secret' });
  expect(end().filter(({ identity }) => identity === 'shop/secret')).toHaveLength(1);
});

it('a namespace with more pods and identities than are told apart has one count of the others', () => {
  const { give, end } = stage();
  for (let n = 0; n < 1_500; n += 1) give({ pod: `shop/pod-${n}` });
  const lines = end();
  expect(lines.filter(({ pod }) => pod === undefined)).toMatchObject([
    { namespace: 'shop', count: 988, miss: 988 },
  ]);
  expect(sumOf(lines)).toBe(1_500);
});

type Move = { readonly wait: number } | { readonly isBehind: boolean } | Give;

const gives: fc.Arbitrary<Give> = fc.record({
  pod: fc.constantFrom('shop/web', 'shop/cart', 'pay/api'),
  uid: fc.constantFrom('uid-1', 'uid-2'),
  identity: fc.constantFrom('shop/a', 'shop/b', ''),
  resource: fc.constantFrom(vault, 'r1', 'r2'),
  from: fc.constantFrom('hit', 'joined', 'miss', 'stale'),
  clientId: fc.constantFrom('client-1', 'client-2'),
});
const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: gives.map((one) => ({ ...one, uid: `${one.pod} ${one.uid ?? ''}` })) },
    { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(100, 1_000, 30_000, 61_000) }) },
    { weight: 1, arbitrary: fc.record({ isBehind: fc.boolean() }) },
  ),
  { maxLength: 60, size: 'max' },
);

const keyOf = (fields: Readonly<Record<string, unknown>>) =>
  ['pod', 'uid', 'identity', 'resource'].map((name) => fields[name]).join(' ');

/** The times of the tokens by key. */
async function play(all: readonly Move[], { clock, output, give }: ReturnType<typeof stage>) {
  const issued: (readonly [string, number])[] = [];
  for (const move of all) {
    if ('wait' in move) await clock.advance(move.wait);
    else if ('isBehind' in move) output.isBehind = move.isBehind;
    else {
      give(move);
      issued.push([keyOf({ ...move }), clock.now()]);
    }
  }
  return Map.groupBy(issued, ([key]) => key);
}

function expectTells(lines: readonly Line[], times: readonly number[]): void {
  expect(sumOf(lines)).toBe(times.length);
  const ends = lines
    .flatMap(({ time, first = time, last = time }) => [first, last])
    .map((at) => Date.parse(String(at)));
  expect([Math.min(...ends), Math.max(...ends)]).toEqual([Math.min(...times), Math.max(...times)]);
  for (const line of lines.filter(({ msg }) => msg === 'tokens issued')) {
    const { hit = 0, joined = 0, miss = 0, stale = 0 } = line;
    expect(Number(hit) + Number(joined) + Number(miss) + Number(stale)).toBe(line['count']);
  }
}

it('whenever the process ends: the lines of a pod, an identity and a resource tell as many tokens as were issued, and when', async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (all) => {
      const world = stage();
      const issued = await play(all, world);
      const told = Map.groupBy(world.end(), keyOf);
      expect([...told.keys()].toSorted()).toEqual([...issued.keys()].toSorted());
      for (const [key, lines] of told) expectTells(lines, issued.get(key)?.map(([, at]) => at) ?? []);
    }),
    { numRuns: 200 },
  );
});
