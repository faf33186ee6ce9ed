import { expect } from 'vitest';
import type { Body, WatchEvent } from './door.ts';
import { configMap, pod, sources, widget, type Row, type Stage } from './row.ts';

const { concepts, fields, labels } = sources;

const brief = ({ type, object }: WatchEvent): string => `${type} ${object.metadata.name}`;
const namesOf = (body: Body): string[] => body.items.map((item) => item.metadata.name);
const isNamed = (name: string) => (event: WatchEvent) => event.object.metadata.name === name;

async function makeWidgets({ door, custom }: Stage, ...made: readonly string[]): Promise<void> {
  for (const name of made) await door.ask('POST', `${custom}/widgets`, { body: widget(name) });
}

async function versionOf({ door }: Stage, path: string): Promise<string> {
  return (await door.ask('GET', path)).body.metadata.resourceVersion;
}

/** Two watches to their ends, with a change that they do not show. */
async function watchWithAndWithoutBookmarks(
  stage: Stage,
  since: string,
  seconds: number,
): Promise<readonly WatchEvent[][]> {
  const { door, custom } = stage;
  const path = `${custom}/widgets?watch=true&fieldSelector=metadata.name%3Dnone&resourceVersion=${since}&timeoutSeconds=${seconds}`;
  const begunAt = performance.now();
  const open = [await door.openWatch(path), await door.openWatch(`${path}&allowWatchBookmarks=true`)];
  await makeWidgets(stage, `unseen-${seconds}`);
  const isInTime = performance.now() - begunAt < seconds * 250;
  const events = await Promise.all(open.map((watch) => watch.until()));
  // The bookmark is sent two seconds before the end. If the write came too late for it, the row runs again with more time.
  return isInTime || seconds > 60 ? events : watchWithAndWithoutBookmarks(stage, since, 2 * seconds);
}

const group = {
  name: 'sim.example.com',
  preferredVersion: { groupVersion: 'sim.example.com/v1', version: 'v1' },
};

export const listRows: readonly Row[] = [
  {
    sentence: 'items of a built-in list do not say their kind, custom ones do',
    source: `${concepts}#collections`,
    check: async (stage) => {
      const { door, core, custom } = stage;
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      await makeWidgets(stage, 'a');
      const maps = await door.ask('GET', `${core}/configmaps?fieldSelector=metadata.name%3Da`);
      expect(maps.body).toMatchObject({
        kind: 'ConfigMapList',
        apiVersion: 'v1',
        items: [{ metadata: { name: 'a' } }],
      });
      expect(maps.body.items[0]).not.toHaveProperty('kind');
      const widgets = await door.ask('GET', `${custom}/widgets`);
      expect(widgets.body).toMatchObject({ kind: 'WidgetList', apiVersion: 'sim.example.com/v1' });
      expect(widgets.body.items).toMatchObject([{ kind: 'Widget', apiVersion: 'sim.example.com/v1' }]);
      expect(widgets.body.metadata.resourceVersion).toMatch(/^\d+$/);
    },
  },
  {
    sentence: 'an empty list has items all the same',
    source: `${concepts}#collections`,
    check: async ({ door, custom }) => {
      expect((await door.ask('GET', `${custom}/widgets`)).body.items).toEqual([]);
    },
  },
  {
    sentence: 'lists are sorted by namespace and name',
    source: `${concepts}#collections`,
    check: async (stage) => {
      await makeWidgets(stage, 'b', 'a.b', 'a', 'a-b', 'a1');
      const { body } = await stage.door.ask('GET', `${stage.custom}/widgets`);
      expect(namesOf(body)).toEqual(['a', 'a-b', 'a.b', 'a1', 'b']);
    },
  },
  {
    sentence: 'a list read in pages shows one moment, whatever happens meanwhile',
    source: `${concepts}#retrieving-large-results-sets-in-chunks`,
    check: async (stage) => {
      const { door, custom } = stage;
      await makeWidgets(stage, 'a', 'b', 'c', 'd', 'e');
      const first = await door.ask('GET', `${custom}/widgets?limit=2`);
      expect(namesOf(first.body)).toEqual(['a', 'b']);
      expect(first.body.metadata.remainingItemCount).toBe(3);
      await door.ask('DELETE', `${custom}/widgets/d`);
      await makeWidgets(stage, 'c1');
      const next = (body: Body) =>
        door.ask('GET', `${custom}/widgets?limit=2&continue=${encodeURIComponent(body.metadata.continue)}`);
      const second = await next(first.body);
      const third = await next(second.body);
      expect([...namesOf(second.body), ...namesOf(third.body)]).toEqual(['c', 'd', 'e']);
      expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      expect(third.body.metadata.continue || '').toBe('');
    },
  },
  {
    sentence: 'a token to continue which is none is refused',
    source: `${concepts}#retrieving-large-results-sets-in-chunks`,
    check: async (stage) => {
      await makeWidgets(stage, 'a');
      const answer = await stage.door.ask('GET', `${stage.custom}/widgets?limit=1&continue=nonsense`);
      expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
    },
  },
  {
    sentence: 'label selectors select by equality, by sets and by existence',
    source: `${labels}#label-selectors`,
    check: async ({ door, custom }) => {
      for (const [name, labelled] of [
        ['a', { k: '1', x: 'y' }],
        ['b', { k: '2' }],
        ['c', { z: '' }],
      ] as const) {
        await door.ask('POST', `${custom}/widgets`, { body: widget(name, {}, { labels: labelled }) });
      }
      const rows: readonly (readonly [string, string])[] = [
        ['k=1', 'a'],
        ['k==2', 'b'],
        ['k!=1', 'b c'],
        ['k in (1, 2)', 'a b'],
        ['k notin (1)', 'b c'],
        ['k', 'a b'],
        ['!k', 'c'],
        ['k in (1,2),x=y', 'a'],
        ['k=1,k=2', ''],
        ['z=', 'c'],
        ['', 'a b c'],
      ];
      for (const [selector, selected] of rows) {
        const { body } = await door.ask(
          'GET',
          `${custom}/widgets?labelSelector=${encodeURIComponent(selector)}`,
        );
        expect(`${selector} → ${namesOf(body).join(' ')}`).toBe(`${selector} → ${selected}`);
      }
      for (const selector of ['a b', 'k in 1', '=1', 'k=a/b']) {
        const answer = await door.ask(
          'GET',
          `${custom}/widgets?labelSelector=${encodeURIComponent(selector)}`,
        );
        expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      }
    },
  },
  {
    sentence: 'field selectors select by name, pods by their node and phase too',
    source: fields,
    check: async ({ door, core, namespace }) => {
      for (const [name, nodeName] of [
        ['a', 'n1'],
        ['b', 'n2'],
      ] as const)
        await door.ask('POST', `${core}/pods`, { body: pod(name, { nodeName }) });
      await door.ask('PATCH', `${core}/pods/b/status`, { body: { status: { phase: 'Running' } } });
      for (const [selector, selected] of [
        ['spec.nodeName=n1', 'a'],
        ['spec.nodeName!=n1', 'b'],
        ['metadata.name=b', 'b'],
        ['status.phase=Running', 'b'],
        ['spec.nodeName=n1,status.phase=Running', ''],
        ['status.phase!=Running', 'a'],
        ['spec.nodeName==n1,', 'a'],
        ['status.phase!=Succeeded,status.phase!=Failed', 'a b'],
        ['spec.nodeName=n2,status.phase!=Running,status.phase!=Failed', ''],
        [`metadata.namespace=${namespace}`, 'a b'],
      ] as const) {
        const { body } = await door.ask('GET', `${core}/pods?fieldSelector=${encodeURIComponent(selector)}`);
        expect(`${selector} → ${namesOf(body).join(' ')}`).toBe(`${selector} → ${selected}`);
      }
    },
  },
  {
    sentence: 'terms of field selectors have =, == or !=',
    source: fields,
    check: async ({ door, core }) => {
      for (const term of [
        'status.phase',
        '!status.phase',
        'status.phase in (Failed)',
        'status.phase>Failed',
      ]) {
        const selector = `spec.nodeName=n1,${term}`;
        const answer = await door.ask('GET', `${core}/pods?fieldSelector=${encodeURIComponent(selector)}`);
        expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
        expect(answer.body.message).toContain(`can't understand '${term}'`);
      }
    },
  },
  {
    sentence: 'custom resources cannot be selected by other fields',
    source: fields,
    check: async ({ door, custom }) => {
      const answer = await door.ask('GET', `${custom}/widgets?fieldSelector=spec.size%3D1`);
      expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      expect(answer.body.message).toContain('field label not supported: spec.size');
    },
  },
  {
    sentence: 'pods cannot be selected by other fields',
    source: fields,
    check: async ({ door, core }) => {
      for (const field of ['spec.none', ' status.phase', 'status.phase ']) {
        const selector = `spec.nodeName=n1,${field}!=a`;
        const answer = await door.ask('GET', `${core}/pods?fieldSelector=${encodeURIComponent(selector)}`);
        expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
        expect(answer.body.message).toContain(`field label not supported: ${field}`);
      }
    },
    unlike: { 'v1.36': 'it has none of the rules of pods' },
  },
  {
    sentence: 'a watch from a list shows everything since, in order, with growing versions',
    source: `${concepts}#efficient-detection-of-changes`,
    check: async (stage) => {
      const { door, custom } = stage;
      await makeWidgets(stage, 'a');
      const since = await versionOf(stage, `${custom}/widgets`);
      await makeWidgets(stage, 'b');
      await door.ask('PATCH', `${custom}/widgets/a`, { body: { spec: { size: 2 } } });
      await door.ask('DELETE', `${custom}/widgets/b`);
      await makeWidgets(stage, 'last');
      const events = await door.watch(
        `${custom}/widgets?watch=true&resourceVersion=${since}`,
        isNamed('last'),
      );
      expect(events.map(brief)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b', 'ADDED last']);
      const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(new Set(versions).size).toBe(4);
      expect(events[1]?.object).toMatchObject({
        kind: 'Widget',
        apiVersion: 'sim.example.com/v1',
        spec: { size: 2 },
      });
    },
  },
  {
    sentence: 'events of built-in kinds say their kind',
    source: `${concepts}#efficient-detection-of-changes`,
    check: async ({ door, core }) => {
      await door.ask('POST', `${core}/configmaps`, { body: configMap('last') });
      const events = await door.watch(`${core}/configmaps?watch=1`, isNamed('last'));
      expect(events.at(-1)?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
    },
  },
  {
    sentence: 'a watch without a version, or from 0, begins with all there is',
    source: `${concepts}#semantics-for-watch`,
    check: async (stage) => {
      const { door, custom } = stage;
      await makeWidgets(stage, 'a', 'b');
      for (const query of ['watch=true', 'watch=true&resourceVersion=0']) {
        // In any order.
        const missing = new Set(['ADDED a', 'ADDED b']);
        const events = await door.watch(
          `${custom}/widgets?${query}`,
          (event) => missing.delete(brief(event)) && missing.size === 0,
        );
        expect(events).toHaveLength(2);
      }
    },
  },
  {
    sentence: 'through a selector, coming is ADDED and leaving is DELETED, with the version of the change',
    source: `${concepts}#efficient-detection-of-changes`,
    check: async (stage) => {
      const { door, custom } = stage;
      const label = (k: string | null) =>
        door.ask('PATCH', `${custom}/widgets/a`, { body: { metadata: { labels: { k } } } });
      await makeWidgets(stage, 'a');
      const since = await versionOf(stage, `${custom}/widgets`);
      await label('1');
      await door.ask('PATCH', `${custom}/widgets/a`, { body: { spec: { size: 2 } } });
      const left = await label('2');
      await label('3');
      await door.ask('POST', `${custom}/widgets`, { body: widget('last', {}, { labels: { k: '1' } }) });
      const path = `${custom}/widgets?watch=true&labelSelector=k%3D1&resourceVersion=${since}`;
      const events = await door.watch(path, isNamed('last'));
      expect(events.map(brief)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED last']);
      expect(events[2]?.object.metadata).toMatchObject({
        labels: { k: '1' },
        resourceVersion: left.body.metadata.resourceVersion,
      });
    },
  },
  {
    sentence: 'a field selector on the node works in a watch',
    source: fields,
    check: async ({ door, core }) => {
      await door.ask('POST', `${core}/pods`, { body: pod('other', { nodeName: 'n2' }) });
      await door.ask('POST', `${core}/pods`, { body: pod('last', { nodeName: 'n1' }) });
      const events = await door.watch(
        `${core}/pods?watch=true&fieldSelector=spec.nodeName%3Dn1`,
        isNamed('last'),
      );
      expect(events.map(brief)).toEqual(['ADDED last']);
    },
  },
  {
    sentence:
      'through a field selector that excludes phases, a pod that finishes is DELETED, with the version of the change',
    source: `${concepts}#efficient-detection-of-changes`,
    check: async ({ door, core }) => {
      const become = (name: string, phase: string) =>
        door.ask('PATCH', `${core}/pods/${name}/status`, { body: { status: { phase } } });
      const since = (await door.ask('GET', `${core}/pods`)).body.metadata.resourceVersion;
      for (const name of ['a', 'b'])
        await door.ask('POST', `${core}/pods`, { body: pod(name, { nodeName: 'n1' }) });
      await become('a', 'Running');
      const ended = await become('a', 'Failed');
      await door.ask('PATCH', `${core}/pods/a`, { body: { metadata: { labels: { later: '1' } } } });
      await become('b', 'Succeeded');
      await door.ask('POST', `${core}/pods`, { body: pod('last', { nodeName: 'n1' }) });
      const selector = encodeURIComponent('spec.nodeName=n1,status.phase!=Succeeded,status.phase!=Failed');
      const path = `${core}/pods?watch=true&fieldSelector=${selector}&resourceVersion=${since}`;
      const events = await door.watch(path, isNamed('last'));
      expect(events.map(brief)).toEqual([
        ...['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED a', 'DELETED b', 'ADDED last'],
      ]);
      expect(events[3]?.object.metadata.resourceVersion).toBe(ended.body.metadata.resourceVersion);
      const { body } = await door.ask('GET', `${core}/pods?fieldSelector=${selector}`);
      expect(namesOf(body)).toEqual(['last']);
    },
  },
  {
    sentence: 'a watch of one namespace does not see the others',
    source: `${concepts}#resource-uris`,
    check: async (stage) => {
      const { door, custom } = stage;
      const since = await versionOf(stage, '/apis/sim.example.com/v1/widgets');
      const elsewhere = '/apis/sim.example.com/v1/namespaces/default/widgets';
      const name = `elsewhere-${since}`;
      await door.ask('POST', elsewhere, { body: widget(name) });
      await makeWidgets(stage, 'last');
      const inOne = await door.watch(
        `${custom}/widgets?watch=true&resourceVersion=${since}`,
        isNamed('last'),
      );
      expect(inOne.map(brief)).toEqual(['ADDED last']);
      const inAll = await door.watch(
        `/apis/sim.example.com/v1/widgets?watch=true&resourceVersion=${since}`,
        isNamed('last'),
      );
      expect(inAll.map(brief)).toEqual([`ADDED ${name}`, 'ADDED last']);
      await door.ask('DELETE', `${elsewhere}/${name}`);
    },
  },
  {
    sentence:
      'a watch ends after timeoutSeconds; before that it sends a bookmark with its version, if requested',
    source: `${concepts}#watch-bookmarks`,
    check: async (stage) => {
      await makeWidgets(stage, 'a');
      const since = await versionOf(stage, `${stage.custom}/widgets`);
      const [plain = [], marked = []] = await watchWithAndWithoutBookmarks(
        stage,
        since,
        stage.patienceSeconds,
      );
      expect(plain).toEqual([]);
      expect(marked.length).toBeGreaterThan(0);
      for (const { type, object } of marked) {
        expect({ type, kind: object.kind, apiVersion: object.apiVersion }).toEqual({
          type: 'BOOKMARK',
          kind: 'Widget',
          apiVersion: 'sim.example.com/v1',
        });
        expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(Number(since));
      }
    },
  },
  {
    sentence: 'no bookmark comes while nothing happened since the watch began',
    source: `${concepts}#watch-bookmarks`,
    check: async (stage) => {
      const { door, custom, patienceSeconds } = stage;
      await makeWidgets(stage, 'a');
      const since = await versionOf(stage, `${custom}/widgets`);
      const query = `watch=true&resourceVersion=${since}&timeoutSeconds=${patienceSeconds}&allowWatchBookmarks=true`;
      expect(await door.watch(`${custom}/widgets?${query}`)).toEqual([]);
    },
    unlike: {
      'v1.20': 'its controllers always write something (without them it conforms)',
      'v1.36': 'its controllers always write something (without them it conforms)',
    },
  },
  {
    sentence: 'a list from a version that is yet to come is a Timeout, to be tried again',
    source: `${concepts}#unavailable-resource-versions`,
    check: async ({ door, custom }) => {
      const { status, body } = await door.ask('GET', `${custom}/widgets?resourceVersion=99999999`);
      expect(status).toBe(504);
      expect(body).toMatchObject({ reason: 'Timeout', details: { retryAfterSeconds: 1 } });
      expect(body.message).toContain('Too large resource version: 99999999, current: ');
    },
  },
  {
    sentence: 'a watch from a version that is forgotten says so in one ERROR event and ends',
    source: `${concepts}#410-gone-responses`,
    check: async (stage) => {
      await makeWidgets(stage, 'a');
      const opened = await stage.door.watch(`${stage.custom}/widgets?watch=true&resourceVersion=1`);
      expect(opened).toMatchObject([
        { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
      ]);
      expect(opened[0]?.object.message).toMatch(/^too old resource version: 1 \(\d+\)$/);
    },
  },
  {
    sentence: 'versions that are no numbers are refused',
    source: `${concepts}#resource-versions`,
    check: async ({ door, custom }) => {
      for (const query of ['resourceVersion=x', 'watch=true&resourceVersion=x']) {
        expect((await door.ask('GET', `${custom}/widgets?${query}`)).status).toBeGreaterThanOrEqual(400);
      }
    },
  },
  {
    sentence: 'kubectl is answered with a table when it asks for one',
    source: `${concepts}#receiving-resources-as-tables`,
    check: async (stage) => {
      await makeWidgets(stage, 'a');
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
      const { body } = await stage.door.ask('GET', `${stage.custom}/widgets`, { accept });
      expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      expect(body.columnDefinitions.map((column) => column.name)).toEqual(['Name', 'Size']);
      expect(body.rows).toMatchObject([
        { cells: ['a', 1], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } },
      ]);
    },
  },
  {
    sentence: 'discovery lists versions and resources',
    source: 'https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api',
    check: async ({ door }) => {
      expect((await door.ask('GET', '/version')).body).toMatchObject({
        major: '1',
        gitVersion: expect.stringMatching(/^v1\./) as string,
      });
      expect((await door.ask('GET', '/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
      expect((await door.ask('GET', '/apis/sim.example.com')).body).toMatchObject({
        kind: 'APIGroup',
        ...group,
      });
      const resources = await door.ask('GET', '/apis/sim.example.com/v1');
      expect(resources.body).toMatchObject({ kind: 'APIResourceList', groupVersion: 'sim.example.com/v1' });
      const found = resources.body.resources.map(({ name, kind, namespaced }) => [name, kind, namespaced]);
      for (const row of [
        ['widgets', 'Widget', true],
        ['widgets/status', 'Widget', true],
        ['gadgets', 'Gadget', true],
      ]) {
        expect(found).toContainEqual(row);
      }
      const widgets = resources.body.resources.find(({ name }) => name === 'widgets');
      expect(widgets).toMatchObject({ categories: ['all'] });
      const core = await door.ask('GET', '/api/v1');
      const pods = core.body.resources.find(({ name }) => name === 'pods');
      expect(pods).toMatchObject({ kind: 'Pod', namespaced: true, shortNames: ['po'] });
    },
  },
  {
    sentence: 'discovery lists groups',
    source: 'https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api',
    check: async ({ door }) => {
      const { body } = await door.ask('GET', '/apis');
      expect(body).toMatchObject({ kind: 'APIGroupList' });
      expect(body.groups.find(({ name }) => name === group.name)).toMatchObject(group);
    },
    unlike: { 'v1.36': 'it has no API aggregation, which adds the groups of definitions' },
  },
];
