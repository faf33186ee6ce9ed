import { KubeError } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { facts, hostOf, idOf, instanceOf } from '../plan/test/builders.ts';
import { createFacts, recordOf } from '../snapshot/host-facts.ts';
import { createLedger, type ConfigMap } from './ledger.ts';
import { createFakeResource } from './test/fake-kube.ts';
import { createFakeLog } from './test/fake-log.ts';

const host = hostOf(instanceOf('vmss1'));
const record = recordOf(facts(host, ['a'], { oursNames: ['a'] }));
const more = recordOf(facts(host, ['a', 'b'], { oursNames: ['a', 'b'] }));
const empty = recordOf(createFacts(host));

function setUp() {
  const sent: string[] = [];
  let failure: KubeError | undefined;
  let holds = true;
  const configMaps = createFakeResource<ConfigMap>('record', async (name, apply) => {
    await Promise.resolve();
    sent.push(name);
    if (failure) throw failure;
    return apply();
  });
  const log = createFakeLog();
  const open = () =>
    createLedger({
      ...{ configMaps, log, namespace: 'mic' },
      term: { signal: new AbortController().signal, holds: () => holds },
    });
  return {
    ...{ sent, errors: log.errors, configMaps, open },
    fail: (code: KubeError['code'] | undefined) => (failure = code && new KubeError(code, `${code}!`)),
    lapse: () => (holds = false),
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

test('a record that says what is stored already costs no write, in the next term neither', async () => {
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

test('a record with nothing in it is not kept', async () => {
  const { open, sent, configMaps } = setUp();
  const ledger = open();
  expect(await ledger.save(empty)).toEqual({ kind: 'saved' });
  expect(sent).toEqual([]);
  await ledger.save(record);
  await ledger.save(empty);
  expect(configMaps.objects.size).toBe(0);
});

test('what another leader has written is not overwritten: it is read, and said so', async () => {
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
  // From then on it writes over what it has read.
  expect(await old.save(record)).toEqual({ kind: 'saved' });
});

test('what another leader has created or deleted is noticed as well', async () => {
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

test('an API server that is away is told, and the next save writes it', async () => {
  const { open, fail, only } = setUp();
  const ledger = open();
  fail('unavailable');
  expect(await ledger.save(record)).toEqual({ kind: 'failed', message: 'unavailable!' });
  fail(undefined);
  expect(await ledger.save(record)).toEqual({ kind: 'saved' });
  expect(only().data?.['record.json']).toContain(idOf('a'));
});

test('an unreadable record is left out and told of; only something to keep replaces it', async () => {
  const { open, configMaps, only, errors, sent } = setUp();
  await open().save(record);
  configMaps.put({ ...only(), data: { 'record.json': '{"version":99}' } });
  sent.length = 0;
  const ledger = open();
  expect(await ledger.load()).toEqual([]);
  expect(errors).toHaveLength(1);
  expect(await ledger.save(empty)).toEqual({ kind: 'saved' });
  expect(sent).toEqual([]);
  expect(await ledger.save(more)).toEqual({ kind: 'saved' });
  expect(sent).toEqual(['replace record']);
});
