import { expect } from 'vitest';
import { configMap, pod, sources, widget, type Row } from './row.ts';

const { concepts, conventions, finalizers, names, patch, labels, termination } = sources;

export const objectRows: readonly Row[] = [
  {
    sentence: 'a created object gets a UID, a resourceVersion and a creation time in whole seconds',
    source: `${conventions}#metadata`,
    check: async ({ door, core, namespace }) => {
      const { status, body } = await door.ask('POST', `${core}/configmaps`, {
        body: configMap('a', { data: { x: '1' } }),
      });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        data: { x: '1' },
        metadata: { name: 'a', namespace },
      });
      expect(body.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      expect(body.metadata.resourceVersion).toMatch(/^\d+$/);
      expect(body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(body.metadata).not.toHaveProperty('generation');
    },
  },
  {
    sentence: 'a name that is taken is refused with AlreadyExists',
    source: `${conventions}#http-status-codes`,
    check: async ({ door, core, custom }) => {
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const [builtIn, ofCustom] = [
        await door.ask('POST', `${core}/configmaps`, { body: configMap('a') }),
        await door.ask('POST', `${custom}/widgets`, { body: widget('a') }),
      ];
      expect(builtIn).toEqual({
        status: 409,
        body: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'AlreadyExists',
          code: 409,
          message: 'configmaps "a" already exists',
          details: { name: 'a', kind: 'configmaps' },
        },
      });
      expect(ofCustom.body).toMatchObject({
        message: 'widgets.sim.example.com "a" already exists',
        details: { name: 'a', group: 'sim.example.com', kind: 'widgets' },
      });
    },
  },
  {
    sentence: 'what is not there is answered with a Status NotFound that names it',
    source: `${conventions}#http-status-codes`,
    check: async ({ door, core, custom }) => {
      expect(await door.ask('GET', `${core}/pods/none`)).toEqual({
        status: 404,
        body: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'NotFound',
          code: 404,
          message: 'pods "none" not found',
          details: { name: 'none', kind: 'pods' },
        },
      });
      for (const [method, body] of [
        ['DELETE'],
        ['PATCH', {}],
        ['PUT', widget('none', {}, { resourceVersion: '1' })],
      ] as const) {
        const answer = await door.ask(method, `${custom}/widgets/none`, { body });
        expect(answer).toMatchObject({
          status: 404,
          body: { message: 'widgets.sim.example.com "none" not found' },
        });
      }
    },
  },
  {
    sentence: 'a resource that a built-in group has not is NotFound without a name',
    source: `${concepts}#resource-uris`,
    check: async ({ door, core }) => {
      for (const path of [`${core}/nothings`, `${core}/pods/a/nothing`, '/apis/apps/v1/nothings']) {
        const body = {
          reason: 'NotFound',
          message: 'the server could not find the requested resource',
          details: {},
        };
        expect(await door.ask('GET', path)).toMatchObject({ status: 404, body });
      }
    },
  },
  {
    sentence: 'a group that nobody defined is a plain 404, no Status',
    source: `${concepts}#resource-uris`,
    check: async ({ door }) => {
      for (const path of ['/apis/none.example.com/v1/things', '/apis/sim.example.com/v1/nothings']) {
        expect(await door.ask('GET', path)).toEqual({ status: 404, body: '404 page not found\n' });
      }
    },
    unlike: { 'v1.36': 'it has no API aggregation, whose answer this is' },
  },
  {
    sentence: 'generateName makes a name of five more letters',
    source: `${conventions}#idempotency`,
    check: async ({ door, core }) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } };
      const [one, two] = [
        await door.ask('POST', `${core}/configmaps`, { body }),
        await door.ask('POST', `${core}/configmaps`, { body }),
      ];
      expect(one.body.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
      expect(two.body.metadata.name).not.toBe(one.body.metadata.name);
    },
  },
  {
    sentence: 'an object without a name, or with one that no DNS subdomain may have, is invalid',
    source: names,
    check: async ({ door, custom }) => {
      for (const name of ['Upper', 'under_score', '-dash', 'x'.repeat(254)]) {
        const { status, body } = await door.ask('POST', `${custom}/widgets`, { body: widget(name) });
        expect({ status, reason: body.reason, field: body.details.causes[0]?.field }).toEqual({
          status: 422,
          reason: 'Invalid',
          field: 'metadata.name',
        });
      }
      const nameless = await door.ask('POST', `${custom}/widgets`, {
        body: { ...widget('x'), metadata: {} },
      });
      expect(nameless).toMatchObject({
        status: 422,
        body: {
          reason: 'Invalid',
          details: { causes: [{ field: 'metadata.name', reason: 'FieldValueRequired' }] },
        },
      });
      expect(await door.ask('POST', `${custom}/widgets`, { body: widget('a.b-c.9') })).toMatchObject({
        status: 201,
      });
    },
  },
  {
    sentence: 'a namespace is named by a DNS label, without dots',
    source: names,
    check: async ({ door }) => {
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } };
      expect(await door.ask('POST', '/api/v1/namespaces', { body })).toMatchObject({
        status: 422,
        body: { reason: 'Invalid' },
      });
    },
    unlike: { 'v1.36': 'it has no validation of built-in kinds' },
  },
  {
    sentence: 'label values have at most 63 characters and end in letters or digits',
    source: `${labels}#syntax-and-character-set`,
    check: async ({ door, custom }) => {
      for (const value of ['x'.repeat(64), 'ends-', 'a/b', 'a b']) {
        const { status, body } = await door.ask('POST', `${custom}/widgets`, {
          body: widget('a', {}, { labels: { k: value } }),
        });
        expect({ status, field: body.details.causes[0]?.field }).toEqual({
          status: 422,
          field: 'metadata.labels',
        });
      }
      const fine = { 'example.com/k': 'x'.repeat(63), k: '', A_b: 'a.B_c-9' };
      expect(
        await door.ask('POST', `${custom}/widgets`, { body: widget('a', {}, { labels: fine }) }),
      ).toMatchObject({ status: 201 });
    },
  },
  {
    sentence: 'an object is refused in a namespace that is not there',
    source: `${concepts}#resource-uris`,
    check: async ({ door }) => {
      const answer = await door.ask('POST', '/apis/sim.example.com/v1/namespaces/nowhere/widgets', {
        body: widget('a'),
      });
      expect(answer).toMatchObject({
        status: 404,
        body: { message: 'namespaces "nowhere" not found', details: { kind: 'namespaces' } },
      });
    },
  },
  {
    sentence: 'the namespace and name in the body must be those of the URL',
    source: `${concepts}#resource-uris`,
    check: async ({ door, core, custom }) => {
      const elsewhere = await door.ask('POST', `${custom}/widgets`, {
        body: widget('a', {}, { namespace: 'default' }),
      });
      expect(elsewhere).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      expect(elsewhere.body.message).toContain(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
      const { body } = await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      const renamed = await door.ask('PUT', `${core}/configmaps/a`, {
        body: { ...body, metadata: { ...body.metadata, name: 'b' } },
      });
      expect(renamed).toMatchObject({
        status: 400,
        body: { message: 'the name of the object (b) does not match the name on the URL (a)' },
      });
    },
  },
  {
    sentence:
      'a body that is not JSON, of another kind, or with wrong types in its metadata is a bad request',
    source: `${conventions}#http-status-codes`,
    check: async ({ door, core, custom }) => {
      const kindless = { metadata: { name: 'a' }, spec: { size: 1 } };
      for (const [path, body] of [
        [`${core}/configmaps`, '{'],
        [`${core}/configmaps`, { ...configMap('a'), kind: 'Secret' }],
        [`${core}/configmaps`, configMap('a', {}, { labels: { a: 1 } })],
        [`${custom}/widgets`, widget('a', {}, { finalizers: 'x' })],
        [`${custom}/widgets`, kindless],
      ] as const) {
        const answer = await door.ask('POST', path, { body });
        expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      }
      const other = await door.ask('POST', `${custom}/widgets`, { body: { ...widget('a'), kind: 'Gadget' } });
      expect(other).toMatchObject({ status: 422, body: { details: { causes: [{ field: 'kind' }] } } });
      // Built-in kinds may be omitted.
      const implied = await door.ask('POST', `${core}/configmaps`, { body: { metadata: { name: 'a' } } });
      expect(implied).toMatchObject({ status: 201, body: { kind: 'ConfigMap' } });
    },
  },
  {
    sentence: 'neither name nor UID can be patched',
    source: `${conventions}#metadata`,
    check: async ({ door, custom }) => {
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const named = await door.ask('PATCH', `${custom}/widgets/a`, { body: { metadata: { name: 'b' } } });
      expect(named).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      const other = await door.ask('PATCH', `${custom}/widgets/a`, { body: { metadata: { uid: 'other' } } });
      expect(other).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      expect(other.body.details.causes[0]).toMatchObject({ field: 'metadata.uid' });
    },
  },
  {
    sentence: 'an owner is named whole',
    source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/',
    check: async ({ door, core }) => {
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x' }];
      const answer = await door.ask('POST', `${core}/configmaps`, {
        body: configMap('a', {}, { ownerReferences }),
      });
      const details = { causes: [{ field: 'metadata.ownerReferences.uid' }] };
      expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid', details } });
    },
  },
  {
    sentence: 'a write with an old resourceVersion is a conflict, and changes nothing',
    source: `${conventions}#concurrency-control-and-consistency`,
    check: async ({ door, custom }) => {
      const { body: first } = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const { body: second } = await door.ask('PATCH', `${custom}/widgets/a`, {
        body: { spec: { size: 2 } },
      });
      const stale = await door.ask('PUT', `${custom}/widgets/a`, { body: { ...first, spec: { size: 3 } } });
      expect(stale).toMatchObject({
        status: 409,
        body: {
          reason: 'Conflict',
          message:
            'Operation cannot be fulfilled on widgets.sim.example.com "a": the object has been modified; please apply your changes to the latest version and try again',
          details: { name: 'a', group: 'sim.example.com', kind: 'widgets' },
        },
      });
      const patched = { metadata: { resourceVersion: first.metadata.resourceVersion }, spec: { size: 3 } };
      expect(await door.ask('PATCH', `${custom}/widgets/a`, { body: patched })).toMatchObject({
        status: 409,
        body: { reason: 'Conflict' },
      });
      expect((await door.ask('GET', `${custom}/widgets/a`)).body).toMatchObject({
        spec: { size: 2 },
        metadata: { resourceVersion: second.metadata.resourceVersion },
      });
    },
  },
  {
    sentence: 'built-in objects may be replaced without a resourceVersion, custom ones not',
    source: `${conventions}#concurrency-control-and-consistency`,
    check: async ({ door, core, custom }) => {
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      const blind = configMap('a', { data: { x: '2' } });
      expect(await door.ask('PUT', `${core}/configmaps/a`, { body: blind })).toMatchObject({ status: 200 });
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const answer = await door.ask('PUT', `${custom}/widgets/a`, { body: widget('a') });
      const details = { causes: [{ field: 'metadata.resourceVersion' }] };
      expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid', details } });
    },
  },
  {
    sentence: 'a PUT with the UID of an earlier object of that name is a conflict',
    source: `${conventions}#concurrency-control-and-consistency`,
    check: async ({ door, core }) => {
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      const body = configMap('a', {}, { uid: '00000000-0000-0000-0000-000000000000' });
      const answer = await door.ask('PUT', `${core}/configmaps/a`, { body });
      expect(answer).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
      expect(answer.body.message).toContain(
        'Precondition failed: UID in precondition: 00000000-0000-0000-0000-000000000000',
      );
    },
  },
  {
    sentence: 'an object that says which version it is cannot be created',
    source: `${conventions}#concurrency-control-and-consistency`,
    check: async ({ door, core }) => {
      const answer = await door.ask('POST', `${core}/configmaps`, {
        body: configMap('a', {}, { resourceVersion: '5' }),
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body.message).toContain('resourceVersion should not be set on objects to be created');
    },
  },
  {
    sentence: 'a write that changes nothing makes no new version',
    source: `${concepts}#efficient-detection-of-changes`,
    check: async ({ door, custom }) => {
      const { body: made } = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const put = await door.ask('PUT', `${custom}/widgets/a`, { body: made });
      const patched = await door.ask('PATCH', `${custom}/widgets/a`, { body: { spec: { size: 1 } } });
      expect([put, patched].map(({ body }) => body.metadata.resourceVersion)).toEqual(
        Array.from({ length: 2 }, () => made.metadata.resourceVersion),
      );
    },
  },
  {
    sentence: 'what the server wrote into the metadata cannot be changed by a PUT',
    source: `${conventions}#metadata`,
    check: async ({ door, custom }) => {
      const { body: made } = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const { name, resourceVersion } = made.metadata;
      const given = { ...made, metadata: { name, resourceVersion, generation: 77, labels: { a: 'b' } } };
      const { status, body } = await door.ask('PUT', `${custom}/widgets/a`, { body: given });
      expect(status).toBe(200);
      const { uid, creationTimestamp, generation } = made.metadata;
      expect(body.metadata).toMatchObject({ uid, creationTimestamp, generation, labels: { a: 'b' } });
    },
  },
  {
    sentence: 'a merge patch merges records, replaces lists and removes what is null',
    source: `${concepts}#patch-and-apply`,
    check: async ({ door, custom }) => {
      const spec = { tags: ['a', 'b'], notes: { x: '1', y: '2' }, code: 'abc' };
      await door.ask('POST', `${custom}/widgets`, { body: widget('a', spec) });
      const { status, body } = await door.ask('PATCH', `${custom}/widgets/a`, {
        body: { spec: { tags: ['c'], notes: { x: null, z: '3' }, code: null } },
      });
      expect(status).toBe(200);
      expect(body.spec).toEqual({ size: 1, shape: 'round', tags: ['c'], notes: { y: '2', z: '3' } });
    },
  },
  {
    sentence: 'a JSON patch adds, replaces and removes by path, and fails as a whole',
    source: `${concepts}#patch-and-apply`,
    check: async ({ door, custom }) => {
      const contentType = 'application/json-patch+json';
      await door.ask('POST', `${custom}/widgets`, {
        body: widget('a', { tags: ['a'], notes: { 'x/y': '1' } }),
      });
      const good = await door.ask('PATCH', `${custom}/widgets/a`, {
        contentType,
        body: [
          { op: 'test', path: '/spec/size', value: 1 },
          { op: 'add', path: '/spec/tags/-', value: 'b' },
          { op: 'replace', path: '/spec/size', value: 2 },
          { op: 'remove', path: '/spec/notes/x~1y' },
        ],
      });
      expect(good.body.spec).toEqual({ size: 2, shape: 'round', tags: ['a', 'b'], notes: {} });
      for (const operations of [
        [
          { op: 'replace', path: '/spec/size', value: 3 },
          { op: 'test', path: '/spec/shape', value: 'square' },
        ],
        [{ op: 'remove', path: '/spec/code' }],
      ]) {
        const refused = await door.ask('PATCH', `${custom}/widgets/a`, { contentType, body: operations });
        expect(refused).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      }
      expect((await door.ask('GET', `${custom}/widgets/a`)).body.spec['size']).toBe(2);
    },
  },
  {
    sentence: 'a strategic merge patch merges lists of built-in kinds by their keys',
    source: `${patch}#notes-on-the-strategic-merge-patch`,
    check: async ({ door, core }) => {
      const contentType = 'application/strategic-merge-patch+json';
      const metadata = { finalizers: ['example.com/a'], labels: { a: '1' } };
      await door.ask('POST', `${core}/pods`, {
        body: pod('a', { volumes: [{ name: 'v', emptyDir: {} }] }, metadata),
      });
      const { status, body } = await door.ask('PATCH', `${core}/pods/a`, {
        contentType,
        body: {
          metadata: { finalizers: ['example.com/b'], labels: { a: null, b: '2' } },
          spec: {
            '$setElementOrder/containers': [{ name: 'main' }],
            containers: [{ name: 'main', image: 'local.test/app:2' }],
          },
        },
      });
      expect(status).toBe(200);
      expect([...body.metadata.finalizers].sort()).toEqual(['example.com/a', 'example.com/b']);
      expect(body.metadata.labels).toEqual({ b: '2' });
      expect(body.spec['containers']).toMatchObject([{ name: 'main', image: 'local.test/app:2' }]);
      expect(body.spec['volumes']).toMatchObject([{ name: 'v' }]);
      const conditions = (list: object[]) =>
        door.ask('PATCH', `${core}/pods/a/status`, { contentType, body: { status: { conditions: list } } });
      await conditions([
        { type: 'Ready', status: 'True' },
        { type: 'Other', status: 'True' },
      ]);
      await conditions([{ type: 'Ready', status: 'False' }]);
      const last = await conditions([{ type: 'Other', $patch: 'delete' }]);
      const stated = Object.fromEntries(
        last.body.status.conditions.map(({ type, status }) => [type, status]),
      );
      expect(stated).toMatchObject({ Ready: 'False' });
      expect(stated).not.toHaveProperty('Other');
      const dropped = await door.ask('PATCH', `${core}/pods/a`, {
        contentType,
        body: { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a', 'example.com/b'] } },
      });
      expect(dropped.body.metadata).not.toHaveProperty('finalizers');
    },
  },
  {
    sentence: 'custom resources take no strategic merge patch, and nobody takes an unknown one',
    source: `${concepts}#patch-and-apply`,
    check: async ({ door, core, custom }) => {
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      for (const [path, contentType] of [
        [`${custom}/widgets/a`, 'application/strategic-merge-patch+json'],
        [`${core}/configmaps/a`, 'application/json'],
      ] as const) {
        const answer = await door.ask('PATCH', path, { contentType, body: {} });
        expect(answer).toMatchObject({ status: 415, body: { reason: 'UnsupportedMediaType' } });
      }
    },
  },
  {
    sentence: 'a deletion that is complete answers with a Status that names what is gone',
    source: `${concepts}#resource-deletion`,
    check: async ({ door, core, custom }) => {
      const made = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      expect(await door.ask('DELETE', `${custom}/widgets/a`)).toEqual({
        status: 200,
        body: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Success',
          details: { name: 'a', group: 'sim.example.com', kind: 'widgets', uid: made.body.metadata.uid },
        },
      });
      expect((await door.ask('DELETE', `${core}/configmaps/a`)).body).toMatchObject({
        status: 'Success',
        details: { kind: 'configmaps' },
      });
      expect(await door.ask('GET', `${custom}/widgets/a`)).toMatchObject({ status: 404 });
    },
  },
  {
    sentence: 'a deletion with preconditions that do not hold is a conflict',
    source: `${concepts}#resource-deletion`,
    check: async ({ door, custom }) => {
      const { body: made } = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      for (const preconditions of [
        { uid: '00000000-0000-0000-0000-000000000000' },
        { resourceVersion: '1' },
      ]) {
        const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
        expect(await door.ask('DELETE', `${custom}/widgets/a`, { body })).toMatchObject({
          status: 409,
          body: { reason: 'Conflict' },
        });
      }
      const { uid, resourceVersion } = made.metadata;
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid, resourceVersion } };
      expect(await door.ask('DELETE', `${custom}/widgets/a`, { body })).toMatchObject({
        status: 200,
        body: { status: 'Success' },
      });
    },
  },
  {
    sentence:
      'an object with finalizers stays, marked as deleted, until the last of them is removed; none can be added',
    source: finalizers,
    check: async ({ door, custom }) => {
      const held = widget('a', {}, { finalizers: ['example.com/hold'] });
      const { body: made } = await door.ask('POST', `${custom}/widgets`, { body: held });
      const marked = await door.ask('DELETE', `${custom}/widgets/a`);
      expect(marked).toMatchObject({
        status: 200,
        body: { kind: 'Widget', metadata: { deletionGracePeriodSeconds: 0, generation: 2 } },
      });
      expect(marked.body.metadata.deletionTimestamp).toMatch(/Z$/);
      const again = await door.ask('DELETE', `${custom}/widgets/a`);
      expect(again.body.metadata.resourceVersion).toBe(marked.body.metadata.resourceVersion);
      const added = { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } };
      const refused = await door.ask('PATCH', `${custom}/widgets/a`, { body: added });
      expect(refused).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      const cause = { field: 'metadata.finalizers', reason: 'FieldValueForbidden' };
      expect(refused.body.details.causes[0]).toMatchObject(cause);
      const released = await door.ask('PATCH', `${custom}/widgets/a`, {
        body: { metadata: { finalizers: null } },
      });
      expect(released).toMatchObject({ status: 200, body: { metadata: { uid: made.metadata.uid } } });
      expect(await door.ask('GET', `${custom}/widgets/a`)).toMatchObject({ status: 404 });
    },
  },
  {
    sentence: 'a deleted pod on a node stays, terminating, until its kubelet deletes it without grace',
    source: termination,
    check: async ({ door, core }) => {
      const { body: made } = await door.ask('POST', `${core}/pods`, {
        body: pod('a', { nodeName: 'n1', terminationGracePeriodSeconds: 7 }),
      });
      const marked = await door.ask('DELETE', `${core}/pods/a`);
      expect(marked).toMatchObject({
        status: 200,
        body: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 7 } },
      });
      const { deletionTimestamp } = (await door.ask('GET', `${core}/pods/a`)).body.metadata;
      // The end of the grace period.
      const afterMs = Date.parse(deletionTimestamp) - Date.parse(made.metadata.creationTimestamp);
      expect(afterMs).toBeGreaterThanOrEqual(7_000);
      await door.ask('DELETE', `${core}/pods/a?gracePeriodSeconds=0`);
      expect(await door.ask('GET', `${core}/pods/a`)).toMatchObject({ status: 404 });
      await door.ask('POST', `${core}/pods`, { body: pod('unscheduled') });
      await door.ask('DELETE', `${core}/pods/unscheduled`);
      expect(await door.ask('GET', `${core}/pods/unscheduled`)).toMatchObject({ status: 404 });
    },
    unlike: { 'v1.36': 'it has none of the rules of pods' },
  },
  {
    sentence: 'a deleted namespace is Terminating',
    source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/',
    check: async ({ door, core, custom, namespace }) => {
      await door.ask('POST', `${custom}/widgets`, {
        body: widget('held', {}, { finalizers: ['example.com/hold'] }),
      });
      const deleted = await door.ask('DELETE', core);
      expect(deleted).toMatchObject({
        status: 200,
        body: { kind: 'Namespace', metadata: { name: namespace }, status: { phase: 'Terminating' } },
      });
      expect(deleted.body.metadata.deletionTimestamp).toMatch(/Z$/);
    },
    unlike: { 'v1.36': 'it has none of the rules of namespaces' },
  },
  {
    sentence: 'all objects that a selector selects can be deleted at once',
    source: `${concepts}#resource-deletion`,
    check: async ({ door, custom }) => {
      for (const [name, k] of [
        ['a', '1'],
        ['b', '1'],
        ['c', '2'],
      ] as const) {
        await door.ask('POST', `${custom}/widgets`, { body: widget(name, {}, { labels: { k } }) });
      }
      const deleted = await door.ask('DELETE', `${custom}/widgets?labelSelector=k%3D1`);
      expect(deleted).toMatchObject({
        status: 200,
        body: { kind: 'WidgetList', items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] },
      });
      const { body } = await door.ask('GET', `${custom}/widgets`);
      expect(body.items.map((item) => item.metadata.name)).toEqual(['c']);
    },
  },
  {
    sentence: 'a dry run answers as if, and changes nothing',
    source: `${concepts}#dry-run`,
    check: async ({ door, custom }) => {
      const tried = await door.ask('POST', `${custom}/widgets?dryRun=All`, { body: widget('a') });
      expect(tried).toMatchObject({ status: 201, body: { metadata: { name: 'a' } } });
      expect(await door.ask('GET', `${custom}/widgets/a`)).toMatchObject({ status: 404 });
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const patched = await door.ask('PATCH', `${custom}/widgets/a?dryRun=All`, {
        body: { spec: { size: 5 } },
      });
      expect(patched.body.spec['size']).toBe(5);
      await door.ask('DELETE', `${custom}/widgets/a?dryRun=All`);
      expect((await door.ask('GET', `${custom}/widgets/a`)).body.spec['size']).toBe(1);
    },
  },
  {
    sentence: 'a lease is created by a PUT where there is none, and replaced only with its resourceVersion',
    source: `${conventions}#verbs-on-resources`,
    check: async ({ door, namespace }) => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/a`;
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'a' },
        spec: { holderIdentity: 'me' },
      };
      const made = await door.ask('PUT', path, { body });
      expect(made).toMatchObject({ status: 201, body: { spec: { holderIdentity: 'me' } } });
      const taken = await door.ask('PUT', path, { body: { ...made.body, spec: { holderIdentity: 'you' } } });
      expect(taken.status).toBe(200);
      const late = await door.ask('PUT', path, { body: { ...made.body, spec: { holderIdentity: 'they' } } });
      expect(late).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
      const blind = await door.ask('PUT', path, { body });
      expect(blind).toMatchObject({
        status: 422,
        body: { details: { causes: [{ field: 'metadata.resourceVersion' }] } },
      });
    },
    unlike: { 'v1.36': 'it has none of the rules of leases' },
  },
  {
    sentence: 'methods that a resource has not are refused',
    source: `${conventions}#verbs-on-resources`,
    check: async ({ door, core }) => {
      for (const [method, path] of [
        ['PUT', `${core}/configmaps`],
        ['PATCH', `${core}/configmaps`],
        ['POST', '/api/v1/configmaps'],
      ] as const) {
        const answer = await door.ask(method, path, { body: {} });
        expect(answer).toMatchObject({ status: 405, body: { reason: 'MethodNotAllowed' } });
      }
    },
  },
  {
    sentence: 'an event must live in the namespace of its object',
    source: `${conventions}#events`,
    check: async ({ door, core, namespace }) => {
      const event = (involved: string | undefined) => ({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'e-' },
        reason: 'Test',
        message: 'm',
        type: 'Normal',
        involvedObject: {
          kind: 'Pod',
          name: 'a',
          ...(involved === undefined ? {} : { namespace: involved }),
        },
      });
      expect(await door.ask('POST', `${core}/events`, { body: event(namespace) })).toMatchObject({
        status: 201,
      });
      for (const elsewhere of ['default', undefined]) {
        const answer = await door.ask('POST', `${core}/events`, { body: event(elsewhere) });
        expect(answer).toMatchObject({
          status: 422,
          body: { details: { causes: [{ field: 'involvedObject.namespace' }] } },
        });
      }
      expect(
        await door.ask('POST', '/api/v1/namespaces/default/events', { body: event(undefined) }),
      ).toMatchObject({ status: 201 });
    },
    unlike: { 'v1.36': 'it has no validation of built-in kinds' },
  },
  {
    sentence: 'stringData of a secret is written into its data',
    source: 'https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data',
    check: async ({ door, core }) => {
      const body = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a' },
        data: { x: 'eA==' },
        stringData: { y: 'z' },
      };
      const made = await door.ask('POST', `${core}/secrets`, { body });
      expect(made.body).toMatchObject({ type: 'Opaque', data: { x: 'eA==', y: 'eg==' } });
      expect(made.body).not.toHaveProperty('stringData');
    },
    unlike: { 'v1.36': 'it has no defaulting of built-in kinds' },
  },
];
