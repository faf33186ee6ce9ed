import { describe, expect, test, vi } from 'vitest';
import { readConfig, type SampleConfig } from './config.ts';
import { createRounds, longestRoundMs } from './rounds.ts';
import type { VaultReader } from './vault-reader.ts';

const configOf = (env: Record<string, string>): SampleConfig => {
  const config = readConfig({
    KEYVAULT_URL: 'https://demo.vault.azure.net',
    SECRET_NAMES: 'one,two',
    KEY_NAMES: 'three',
    ...env,
  });
  if ('problems' in config) throw new Error(config.problems.join());
  return config;
};
const open = (env: Record<string, string> = {}) => {
  const lines: string[] = [];
  const ports = {
    say: (line: string) => lines.push(line),
    now: () => new Date(0),
    proxies: { vault: undefined, tokens: undefined, metadataHost: '169.254.169.254' },
  };
  return { lines, rounds: createRounds(configOf(env), ports) };
};
type ReadObject = VaultReader['read'];

const found: ReadObject = ({ name }) =>
  Promise.resolve({ version: `${name}-1`, enabled: true, expiresOn: undefined });

const list: VaultReader['list'] = () => Promise.reject(new Error('no list is needed for names'));

test('a round reads every object, at most five at a time', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  const { lines, rounds } = open({ READS: '1', SECRET_NAMES: names.join(), KEY_NAMES: '' });
  let running = 0;
  let most = 0;
  const read: ReadObject = async (item, signal) => {
    running += 1;
    most = Math.max(most, running);
    const object = await found(item, signal);
    running -= 1;
    return object;
  };
  expect(await rounds.run({ read, list }, new AbortController().signal)).toBe(0);
  expect(most).toBe(5);
  expect(lines).toEqual(names.map((name) => `read secret ${name}, version ${name}-1`));
  expect(rounds.status().isReading).toBe(false);
  expect(rounds.status().entries.map(({ object }) => object?.version)).toEqual(
    names.map((name) => `${name}-1`),
  );
});

test('a read that hangs does not hold the others', async () => {
  const { lines, rounds } = open({ READS: '1' });
  const stop = new AbortController();
  const read: ReadObject = (item, signal) =>
    item.name === 'one' ? new Promise(() => undefined) : found(item, signal);
  const running = rounds.run({ read, list }, stop.signal);
  await vi.waitUntil(() => lines.length === 2);
  expect(lines).toEqual(['read secret two, version two-1', 'read key three, version three-1']);
  stop.abort();
  await running;
});

test('failed reads are counted and do not stop the others', async () => {
  const { lines, rounds } = open({ READS: '1' });
  const read: ReadObject = (item, signal) =>
    item.name === 'two' ? Promise.reject(new Error('odd')) : found(item, signal);
  expect(await rounds.run({ read, list }, new AbortController().signal)).toBe(1);
  expect(lines.map((line) => line.slice(0, 15)).toSorted()).toEqual([
    'could not read ',
    'read key three,',
    'read secret one',
  ]);
});

test('between two rounds it waits for the interval', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const { rounds } = open({ INTERVAL_SECONDS: '60', SECRET_NAMES: 'one', KEY_NAMES: '' });
  const stop = new AbortController();
  let reads = 0;
  const read: ReadObject = (item, signal) => {
    reads += 1;
    return found(item, signal);
  };
  try {
    const running = rounds.run({ read, list }, stop.signal);
    await vi.waitFor(() => expect(rounds.status().isReading).toBe(false));
    expect(reads).toBe(1);
    stop.abort();
    expect(await running).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('the end of the program ends a read that waits, and is not a failed read', async () => {
  const { lines, rounds } = open();
  const stop = new AbortController();
  const read: ReadObject = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const running = rounds.run({ read, list }, stop.signal);
  stop.abort();
  expect(await running).toBe(0);
  expect(lines).toEqual([]);
});

test('a read that does not heed its signal ends with its deadline, and is a failed read', async () => {
  const { lines, rounds } = open({ READS: '1', SECRET_NAMES: 'one', KEY_NAMES: '' });
  const late = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  const running = rounds.run(
    { read: () => new Promise(() => undefined), list },
    new AbortController().signal,
  );
  late.abort();
  expect(await running).toBe(1);
  expect(timeout).toHaveBeenCalledWith(180_000);
  expect(lines.join('\n')).toContain('There was no response within 180 s');
  timeout.mockRestore();
});

test('a missing role is explained with the identity of the last token', async () => {
  const { lines, rounds } = open({ READS: '1', SECRET_NAMES: 'one', KEY_NAMES: '' });
  const objectId = '11111111-0000-4000-8000-000000000000';
  rounds.noteIdentity({ clientId: 'c', objectId, tenantId: 't', resourceId: undefined });
  const refused = Object.assign(new Error('no'), {
    statusCode: 403,
    details: { error: { code: 'Forbidden' } },
  });
  await rounds.run({ read: () => Promise.reject(refused), list }, new AbortController().signal);
  expect(lines.join('\n')).toContain(`--assignee-object-id ${objectId}`);
});

describe('with * in place of names', () => {
  const entries = (rounds: ReturnType<typeof open>['rounds']) =>
    rounds
      .status()
      .entries.map(({ item, object, note, failure }) => [
        `${item.kind} ${item.name}`,
        failure?.reason ?? note ?? object?.version,
      ]);
  const never = new AbortController().signal;

  test('each round reads what the vault has then, and keeps what it knows', async () => {
    const { lines, rounds } = open({ READS: '1', SECRET_NAMES: '*', KEY_NAMES: 'three' });
    let names = ['one', 'two'];
    const vault = { read: found, list: () => Promise.resolve({ names, isWhole: true }) };
    expect(await rounds.run(vault, never)).toBe(0);
    names = ['two', 'four'];
    const read: ReadObject = (item, signal) =>
      item.name === 'two' ? Promise.reject(new Error('odd')) : found(item, signal);
    expect(await rounds.run({ ...vault, read }, never)).toBe(1);
    expect(entries(rounds)).toEqual([
      ['secret two', 'unknown'],
      ['secret four', 'four-1'],
      ['key three', 'three-1'],
    ]);
    expect(rounds.status().entries[0]?.object?.version).toBe('two-1');
    expect(lines).toContain('read secret four, version four-1');
  });

  test.each<[string, string[], boolean, string]>([
    ['of more', ['one'], false, 'The vault has more secrets than are read: the first 1 are'],
    ['of none', [], true, 'The vault has no secrets'],
  ])('a list %s says so', async (...[, names, isWhole, note]) => {
    const { rounds } = open({ READS: '1', SECRET_NAMES: '*', KEY_NAMES: '' });
    const vault = { read: found, list: () => Promise.resolve({ names, isWhole }) };
    expect(await rounds.run(vault, never)).toBe(0);
    expect(entries(rounds)).toEqual([
      ['secret *', note],
      ...names.map((name) => [`secret ${name}`, `${name}-1`]),
    ]);
  });

  test('a list that fails is a failed read, with its remedy, and what was found before is read', async () => {
    const { lines, rounds } = open({ READS: '1', SECRET_NAMES: '', KEY_NAMES: '*' });
    const refused = Object.assign(new Error('no'), {
      statusCode: 403,
      details: { error: { code: 'Forbidden' } },
    });
    const first = { read: found, list: () => Promise.resolve({ names: ['one'], isWhole: true }) };
    await rounds.run(first, never);
    expect(await rounds.run({ read: found, list: () => Promise.reject(refused) }, never)).toBe(1);
    expect(entries(rounds)).toEqual([
      ['key *', 'no-role'],
      ['key one', 'one-1'],
    ]);
    expect(lines.join('\n')).toContain(
      "could not read list of keys: The identity has no right to list the keys of this vault. Give it the role 'Key Vault Reader'",
    );
  });

  test('the longest round counts lists and what they found', async () => {
    const { rounds } = open({ READS: '1', SECRET_NAMES: '*', KEY_NAMES: 'three' });
    const names = Array.from({ length: 9 }, (_, index) => `n${index}`);
    await rounds.run({ read: found, list: () => Promise.resolve({ names, isWhole: true }) }, never);
    expect(longestRoundMs([{ kind: 'secret', name: '*' }], rounds.status())).toBe(3 * 180_000);
  });
});
