import { KubeError } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { facts, hostOf, idOf, instanceOf } from '../plan/test/builders.ts';
import { createFacts, recordOf } from '../snapshot/facts/host-facts.ts';
import { Ledger, type ConfigMap } from './ledger.ts';
import { createFakeResource } from './test/fake-kube.ts';
import { createFakeLog } from './test/fake-log.ts';

const host = hostOf(instanceOf('vmss1'));
const record = recordOf(facts(host, ['a'], { oursNames: ['a'] }));
const more = recordOf(facts(host, ['a', 'b'], { oursNames: ['a', 'b'] }));
const empty = recordOf(createFacts(host));

function setUp() {
  const sent: string[] = [];
  const ending = new AbortController();
  let failure: Error | undefined;
  let holds = true;
  const configMaps = createFakeResource<ConfigMap>('record', async (name, apply) => {
    await Promise.resolve();
    sent.push(name);
    if (failure) throw failure;
    return apply();
  });
  const log = createFakeLog();
  const open = (principalId?: string) =>
    new Ledger({
      principalId: () => principalId,
      configMaps,
      log,
      namespace: 'mic',
      term: { signal: ending.signal, holds: () => holds },
    });
  return {
    sent,
    errors: log.errors,
    configMaps,
    open,
    fail: (code: KubeError['code'] | undefined) => (failure = code && new KubeError(code, `${code}!`)),
    crash: () => (failure = new TypeError('bug')),
    lapse: () => (holds = false),
    end: () => ending.abort(),
    only: () => [...configMaps.objects.values()][0]!,
  };
}

test("one ConfigMap for each host, labelled, in MIC's own namespace, and the next term reads it back", async () => {
  const { open, only, configMaps } = setUp();
  expect(await open().save(record)).toEqual({ kind: 'saved' });
  expect(configMaps.objects.size).toBe(1);
  expect(only().metadata).toMatchObject({
    namespace: 'mic',
    labels: { 'aadpodidentity.k8s.io/host-record': 'vmss' },
    annotations: { 'aadpodidentity.k8s.io/host': host.id },
  });
  expect(await open().load()).toEqual([record]);
});

test('whose role a command assigns is known to readers that are not MIC, and kept while a new MIC does not know itself', async () => {
  const { open } = setUp();
  const ledger = open('11111111-2222-3333-4444-555555555555');
  await ledger.save(record);
  const next = open();
  await next.load();
  expect(next.principalId()).toBe(ledger.principalId());
  await next.save({ ...record, notBefore: 0 });
  const last = open();
  await last.load();
  expect(last.principalId()).toBe(ledger.principalId());
});

test.each(['x; touch /tmp/y', '$(id)', '--all', 'a\nb', ''])(
  'attack: %j in place of the object id of MIC is not put into a command',
  async (principalId) => {
    const { open } = setUp();
    await open(principalId).save(record);
    const next = open();
    await next.load();
    expect(next.principalId()).toBeUndefined();
  },
);

test('a record equal to the stored one costs no write, also in the next term', async () => {
  const { open, sent } = setUp();
  const ledger = open();
  await ledger.save(record);
  await ledger.save({ ...record, ours: new Map(record.ours) });
  const next = open();
  await next.load();
  await next.save(record);
  expect(sent).toEqual(['create record']);
  await next.save(more);
  expect(sent).toEqual(['create record', 'replace record']);
});

test('an empty record is not kept', async () => {
  const { open, sent, configMaps } = setUp();
  const ledger = open();
  expect(await ledger.save(empty)).toEqual({ kind: 'saved' });
  expect(sent).toEqual([]);
  await ledger.save(record);
  await ledger.save(empty);
  expect(configMaps.objects.size).toBe(0);
  expect(await ledger.save(more)).toEqual({ kind: 'saved' });
});

test('a record of another leader is not deleted if it is empty for this one', async () => {
  const { open, configMaps } = setUp();
  const old = open();
  await old.save(record);
  const young = open();
  await young.load();
  await young.save(more);
  expect(await old.save(empty)).toEqual({ kind: 'overtaken', record: more });
  expect(configMaps.objects.size).toBe(1);
});

test("ConfigMaps that are not records, or not in MIC's namespace, are ignored", async () => {
  const { open, configMaps, only, errors } = setUp();
  await open().save(record);
  const { name, namespace } = only().metadata;
  configMaps.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt', namespace: 'mic' },
  });
  configMaps.put({ ...only(), metadata: { ...only().metadata, name: `${name}-forged`, namespace: 'evil' } });
  expect(namespace).toBe('mic');
  expect(await open().load()).toEqual([record]);
  expect(errors).toEqual([]);
});

test('a ledger that is loaded again has the current records only', async () => {
  const { open, configMaps, only } = setUp();
  const ledger = open();
  await ledger.save(record);
  await configMaps.delete({ namespace: 'mic', name: only().metadata.name });
  expect(await ledger.load()).toEqual([]);
  expect(await ledger.save(record)).toEqual({ kind: 'saved' });
  expect(configMaps.objects.size).toBe(1);
});

test('a record of another leader is not overwritten: it is read and returned as overtaken', async () => {
  const { open } = setUp();
  const old = open();
  await old.save(record);
  const young = open();
  await young.load();
  await young.save(more);
  expect(await old.save(recordOf(facts(host, ['c'], { oursNames: ['c'] })))).toEqual({
    kind: 'overtaken',
    record: more,
  });
  // After reading it, it may overwrite it.
  expect(await old.save(record)).toEqual({ kind: 'saved' });
});

test('records that another leader has created or deleted are noticed as well', async () => {
  const { open, configMaps } = setUp();
  const [one, two] = [open(), open()];
  await one.save(record);
  expect(await two.save(more)).toEqual({ kind: 'overtaken', record });
  await configMaps.delete({ namespace: 'mic', name: [...configMaps.objects.values()][0]!.metadata.name });
  expect(await one.save(more)).toEqual({ kind: 'overtaken', record: undefined });
  expect(await one.save(more)).toEqual({ kind: 'saved' });
});

test('after the term nothing is sent', async () => {
  const { open, sent, lapse } = setUp();
  lapse();
  expect(await open().save(record)).toEqual({ kind: 'fenced' });
  expect(sent).toEqual([]);
});

test('an unreachable API server is reported, and the next save writes the record', async () => {
  const { open, fail, only } = setUp();
  const ledger = open();
  fail('unavailable');
  expect(await ledger.save(record)).toEqual({ kind: 'failed', message: 'unavailable!' });
  fail(undefined);
  expect(await ledger.save(record)).toEqual({ kind: 'saved' });
  expect(only().data?.['record.json']).toContain(idOf('a'));
});

test('an unreadable record is left out and logged; only a record with content replaces it', async () => {
  const { open, configMaps, only, errors, sent } = setUp();
  await open().save(record);
  configMaps.put({ ...only(), data: { 'record.json': '{"version":99}' } });
  sent.length = 0;
  const ledger = open();
  expect(await ledger.load()).toEqual([]);
  expect(errors).toMatchObject([{ configMap: only().metadata.name, problems: [{ path: 'version' }] }]);
  expect(await ledger.save(empty)).toEqual({ kind: 'saved' });
  expect(sent).toEqual([]);
  expect(await ledger.save(more)).toEqual({ kind: 'saved' });
  expect(sent).toEqual(['replace record']);
});

test('an emptied ConfigMap is an unreadable record', async () => {
  const { open, configMaps, only, errors } = setUp();
  await open().save(record);
  const { metadata } = only();
  configMaps.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  expect(await open().load()).toEqual([]);
  expect(errors).toHaveLength(1);
});

test('an error of MIC itself is thrown, and not treated as a refusal', async () => {
  const { open, crash } = setUp();
  crash();
  await expect(open().save(record)).rejects.toThrow('bug');
});

test('an overtaken record that cannot be read again is a failure, not a missing one', async () => {
  const { open, configMaps } = setUp();
  const [one, two] = [open(), open()];
  await one.save(record);
  configMaps.get = () => Promise.reject(new KubeError('unavailable', 'etcd is away'));
  expect(await two.save(more)).toEqual({ kind: 'failed', message: 'etcd is away' });
});

test.each([
  ['create', [record]],
  ['replace', [record, more]],
  ['delete', [record, empty]],
] as const)('a %s that is not answered ends with the term', async (verb, records) => {
  const { open, configMaps, end } = setUp();
  const ledger = open();
  const last = records.at(-1) ?? record;
  for (const before of records.slice(0, -1)) await ledger.save(before);
  configMaps.hanging = verb;
  const outcome = ledger.save(last);
  await new Promise(setImmediate);
  end();
  expect(await outcome).toEqual({ kind: 'fenced' });
});

test('reading an overtaking record, and reading all, end with the term as well', async () => {
  const { open, configMaps, end } = setUp();
  const [one, two] = [open(), open()];
  await one.save(record);
  configMaps.hanging = 'get';
  const saved = two.save(more);
  await new Promise(setImmediate);
  configMaps.hanging = 'list';
  const loaded = two.load();
  end();
  expect(await saved).toEqual({ kind: 'fenced' });
  await expect(loaded).rejects.toMatchObject({ code: 'aborted' });
});
