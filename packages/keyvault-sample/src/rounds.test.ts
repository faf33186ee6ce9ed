import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { readConfig } from './config.ts';
import { Rounds } from './rounds.ts';
import type { Vault } from './vault.ts';

const open = (env: Record<string, string> = {}) => {
  const config = readConfig({
    KEYVAULT_URL: 'https://demo.vault.azure.net',
    SECRET_NAMES: 'one,two',
    KEY_NAMES: 'three',
    ...env,
  });
  if ('problems' in config) throw new Error(config.problems.join());
  const lines: string[] = [];
  return { lines, rounds: new Rounds(config, (line) => lines.push(line)) };
};
type ReadObject = Vault['read'];
type Response = Parameters<NonNullable<NonNullable<Parameters<ReadObject>[2]>['onResponse']>>[0];

const found: ReadObject = (_, name) => Promise.resolve({ version: `${name}-1` });

const list: Vault['list'] = () => {
  throw new Error('no list is needed for names');
};
const listOf = (names: readonly string[]): Vault['list'] =>
  async function* () {
    for (const name of names) yield await Promise.resolve({ name });
  };

/** As Key Vault and its clients refuse when a role is missing. */
const refuse = (request: Parameters<ReadObject>[2]): never => {
  request?.onResponse?.({
    status: 403,
    headers: new Headers({ 'x-ms-request-id': 'x' }),
    bodyAsText: '{"error":{"code":"Forbidden"}}',
  } as unknown as Response);
  throw Object.assign(new Error('no'), { name: 'RestError', statusCode: 403 });
};

test('a round reads every object, at most five at a time', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  const { lines, rounds } = open({ READS: '1', SECRET_NAMES: names.join(), KEY_NAMES: '' });
  let running = 0;
  let most = 0;
  const read: ReadObject = async (...asked) => {
    running += 1;
    most = Math.max(most, running);
    const object = await found(...asked);
    running -= 1;
    return object;
  };
  expect(await rounds.run({ read, list }, new AbortController().signal)).toBe(0);
  expect(most).toBe(5);
  expect(lines).toEqual(names.map((name) => `read secret ${name}, version ${name}-1`));
  expect(rounds.known().entries.map(({ object }) => object?.version)).toEqual(
    names.map((name) => `${name}-1`),
  );
});

test('a read that hangs does not hold the others', async () => {
  const { lines, rounds } = open({ READS: '1' });
  const stop = new AbortController();
  const read: ReadObject = (...asked) =>
    asked[1] === 'one' ? new Promise(() => undefined) : found(...asked);
  const running = rounds.run({ read, list }, stop.signal);
  await vi.waitUntil(() => lines.length === 2);
  expect(lines).toEqual(['read secret two, version two-1', 'read key three, version three-1']);
  stop.abort();
  await running;
});

test('failed reads are counted and do not stop the others', async () => {
  const { lines, rounds } = open({ READS: '1' });
  const read: ReadObject = (...asked) =>
    asked[1] === 'two' ? Promise.reject(new Error('odd')) : found(...asked);
  expect(await rounds.run({ read, list }, new AbortController().signal)).toBe(1);
  expect(lines.map((line) => line.slice(0, 15)).toSorted()).toEqual([
    'could not read ',
    'read key three,',
    'read secret one',
  ]);
});

test('between two rounds it waits for the interval', async () => {
  const { rounds } = open({ INTERVAL_SECONDS: '60', SECRET_NAMES: 'one', KEY_NAMES: '' });
  const stop = new AbortController();
  let reads = 0;
  const read: ReadObject = (...asked) => {
    reads += 1;
    return found(...asked);
  };
  const running = rounds.run({ read, list }, stop.signal);
  await vi.waitUntil(() => rounds.known().entries[0]?.object);
  await setImmediate();
  expect(reads).toBe(1);
  stop.abort();
  expect(await running).toBe(0);
});

test('the end of the program ends a read that waits, and is not a failed read', async () => {
  const { lines, rounds } = open();
  const stop = new AbortController();
  const read: ReadObject = (_kind, _name, request) =>
    new Promise((_resolve, reject) =>
      request?.abortSignal?.addEventListener('abort', () => reject(new Error('aborted'))),
    );
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
  expect(lines.join('\n')).toContain(
    'demo.vault.azure.net cannot be reached, or gave no response in three minutes',
  );
  timeout.mockRestore();
});

test('a missing role is explained with the identity of the last token', async () => {
  const { lines, rounds } = open({ READS: '1', SECRET_NAMES: 'one', KEY_NAMES: '' });
  const objectId = '11111111-0000-4000-8000-000000000000';
  rounds.noteIdentity({ clientId: 'c', objectId, tenantId: 't', resourceId: undefined });
  const read: ReadObject = (_kind, _name, request) => Promise.resolve().then(() => refuse(request));
  await rounds.run({ read, list }, new AbortController().signal);
  expect(lines.join('\n')).toContain(`Give it (object id ${objectId}) the role 'Key Vault Secrets User'`);
});

describe('with * in place of names', () => {
  const entries = (rounds: ReturnType<typeof open>['rounds']) =>
    rounds
      .known()
      .entries.map(({ item, object, failure }) => [
        `${item.kind} ${item.name}`,
        failure?.reason ?? object?.version,
      ]);
  const never = new AbortController().signal;

  test('each round reads what the vault has then, and keeps what it knows', async () => {
    const { lines, rounds } = open({ READS: '1', SECRET_NAMES: '*', KEY_NAMES: 'three' });
    let names = ['one', 'two'];
    const vault = { read: found, list: () => listOf(names)('secret') };
    expect(await rounds.run(vault, never)).toBe(0);
    names = ['two', 'four'];
    const read: ReadObject = (...asked) =>
      asked[1] === 'two' ? Promise.reject(new Error('odd')) : found(...asked);
    expect(await rounds.run({ ...vault, read }, never)).toBe(1);
    expect(entries(rounds)).toEqual([
      ['secret two', 'unknown'],
      ['secret four', 'four-1'],
      ['key three', 'three-1'],
    ]);
    expect(rounds.known().entries[0]?.object?.version).toBe('two-1');
    expect(lines).toContain('read secret four, version four-1');
  });

  test('a list of more than 50 says so', async () => {
    const { lines, rounds } = open({ READS: '1', SECRET_NAMES: '*', KEY_NAMES: '' });
    const names = Array.from({ length: 51 }, (_, index) => `n${index}`);
    expect(await rounds.run({ read: found, list: listOf(names) }, never)).toBe(0);
    expect(entries(rounds)).toHaveLength(50);
    expect(lines).toContain('the vault has more secrets than are read: the first 50 are');
  });

  test('a list that fails is a failed read, with its remedy, and what was found before is read', async () => {
    const { lines, rounds } = open({ READS: '1', SECRET_NAMES: '', KEY_NAMES: '*' });
    await rounds.run({ read: found, list: listOf(['one']) }, never);
    const refused: Vault['list'] = async function* (_, request) {
      yield await Promise.resolve(refuse(request));
    };
    expect(await rounds.run({ read: found, list: refused }, never)).toBe(1);
    expect(entries(rounds)).toEqual([
      ['key *', 'no-role'],
      ['key one', 'one-1'],
    ]);
    expect(lines.join('\n')).toContain(
      "could not read list of keys: The identity has no right to list the keys of this vault. Give it (object id unknown) the role 'Key Vault Reader'",
    );
  });
});
