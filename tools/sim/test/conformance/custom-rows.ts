import { expect } from 'vitest';
import { gadget, pod, sources, untilServed, widget, type Row } from './row.ts';

const { crd, conventions } = sources;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Definition {
  apiVersion: string;
  kind: string;
  metadata: object;
  spec: {
    group: string;
    scope?: string;
    names: object;
    versions: [{ name: string; served: boolean; storage: boolean; schema?: { openAPIV3Schema: object } }];
  };
}

function definition(group: string, metadata: object = {}): Definition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}`, ...metadata },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind: 'Thing', plural: 'things' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  };
}

export const customRows: readonly Row[] = [
  {
    sentence: 'unknown fields are dropped, except where the schema preserves them',
    source: `${crd}#field-pruning`,
    check: async ({ door, custom }) => {
      const spec = {
        size: 1,
        unknown: 1,
        notes: { any: 'key' },
        free: { any: { thing: 1 }, known: { a: 'x', dropped: 1 } },
        copy: {
          apiVersion: 'v1',
          kind: 'Thing',
          metadata: { name: 'n', labels: { a: 'b' } },
          spec: { a: 'x', dropped: 1 },
          dropped: 1,
        },
      };
      const { status, body } = await door.ask('POST', `${custom}/widgets`, {
        body: { ...widget('a'), unknown: 1, spec },
      });
      expect(status).toBe(201);
      expect(body).not.toHaveProperty('unknown');
      expect(body.spec).toEqual({
        size: 1,
        shape: 'round',
        notes: { any: 'key' },
        free: { any: { thing: 1 }, known: { a: 'x' } },
        copy: {
          apiVersion: 'v1',
          kind: 'Thing',
          metadata: { name: 'n', labels: { a: 'b' } },
          spec: { a: 'x' },
        },
      });
    },
  },
  {
    sentence: 'unknown metadata is dropped',
    source: `${conventions}#metadata`,
    check: async ({ door, custom }) => {
      const { body } = await door.ask('POST', `${custom}/widgets`, {
        body: widget('a', {}, { unknown: 'x' }),
      });
      expect(body.metadata).not.toHaveProperty('unknown');
    },
  },
  {
    sentence: 'defaults are filled in where nothing was said, at each write',
    source: `${crd}#defaulting`,
    check: async ({ door, custom }) => {
      const made = await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      expect(made.body.spec).toEqual({ size: 1, shape: 'round' });
      const { body } = await door.ask('PATCH', `${custom}/widgets/a`, { body: { spec: { shape: null } } });
      expect(body.spec['shape']).toBe('round');
      const kept = await door.ask('POST', `${custom}/widgets`, {
        body: widget('b', { nothing: null, shape: 'flat' }),
      });
      expect(kept.body.spec).toEqual({ size: 1, shape: 'flat', nothing: null });
    },
  },
  {
    sentence: 'what the schema does not allow is invalid, with a cause for the field',
    source: `${crd}#validation`,
    check: async ({ door, custom }) => {
      const rows: readonly (readonly [object, string, string])[] = [
        [{ size: 'x' }, 'spec.size', 'FieldValueInvalid|FieldValueTypeInvalid'],
        [{ size: 1.5 }, 'spec.size', 'FieldValueInvalid|FieldValueTypeInvalid'],
        [{ size: 0 }, 'spec.size', 'FieldValueInvalid'],
        [{ size: 10 }, 'spec.size', 'FieldValueInvalid'],
        [{ size: undefined }, 'spec.size', 'FieldValueRequired'],
        [{ colour: 'green' }, 'spec.colour', 'FieldValueNotSupported'],
        [{ code: 'ABC' }, 'spec.code', 'FieldValueInvalid'],
        [{ code: 'a' }, 'spec.code', 'FieldValueInvalid'],
        [{ code: 'abcdef' }, 'spec.code', 'FieldValueInvalid|FieldValueTooLong'],
        [{ tags: ['a', 'b', 'c'] }, 'spec.tags', 'FieldValueInvalid|FieldValueTooMany'],
        [{ tags: 'a' }, 'spec.tags', 'FieldValueInvalid|FieldValueTypeInvalid'],
        // v1.20 names the list.
        [{ tags: [1] }, 'spec.tags[0]|spec.tags', 'FieldValueInvalid|FieldValueTypeInvalid'],
        [{ notes: { x: 1 } }, 'spec.notes.x', 'FieldValueInvalid|FieldValueTypeInvalid'],
        [{ port: true }, 'spec.port', 'FieldValueInvalid|FieldValueTypeInvalid'],
        [{ copy: { apiVersion: 'v1' } }, 'spec.copy.kind', 'FieldValueRequired'],
      ];
      for (const [spec, field, reasons] of rows) {
        const { status, body } = await door.ask('POST', `${custom}/widgets`, { body: widget('a', spec) });
        expect({ status, reason: body.reason }, JSON.stringify(spec)).toEqual({
          status: 422,
          reason: 'Invalid',
        });
        expect(body.details).toMatchObject({ name: 'a', group: 'sim.example.com', kind: 'Widget' });
        expect(field.split('|')).toContain(body.details.causes[0]?.field);
        expect(reasons.split('|')).toContain(body.details.causes[0]?.reason);
        expect(body.message).toContain('Widget.sim.example.com "a" is invalid: ');
        expect(body.message).toContain(`${String(body.details.causes[0]?.field)}: `);
      }
      for (const spec of [{ port: 80 }, { port: 'http' }, { tags: [] }, { size: 9, colour: 'red' }]) {
        expect(
          await door.ask('POST', `${custom}/widgets?dryRun=All`, { body: widget('a', spec) }),
        ).toMatchObject({ status: 201 });
      }
    },
  },
  {
    sentence: 'an update is validated as a creation is',
    source: `${crd}#validation`,
    check: async ({ door, custom }) => {
      await door.ask('POST', `${custom}/widgets`, { body: widget('a') });
      const answer = await door.ask('PATCH', `${custom}/widgets/a`, { body: { spec: { size: 99 } } });
      expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    },
  },
  {
    sentence: 'with fieldValidation=Strict, unknown fields are refused',
    source: `${sources.concepts}#validation-for-unrecognized-or-duplicate-fields`,
    check: async ({ door, custom }) => {
      const answer = await door.ask('POST', `${custom}/widgets?fieldValidation=Strict`, {
        body: widget('a', { unknown: 1 }),
      });
      expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      expect(answer.body.message).toContain('strict decoding error: unknown field "spec.unknown"');
    },
    unlike: { 'v1.20': 'older than field validation' },
  },
  {
    sentence:
      'if status is a subresource, each path writes its own part, and only the spec increases the generation',
    source: `${crd}#status-subresource`,
    check: async ({ door, custom }) => {
      const made = await door.ask('POST', `${custom}/widgets`, {
        body: { ...widget('a'), status: { phase: 'early' } },
      });
      expect(made.body).not.toHaveProperty('status');
      expect(made.body.metadata.generation).toBe(1);
      const main = await door.ask('PATCH', `${custom}/widgets/a`, {
        body: { spec: { size: 2 }, status: { phase: 'x' } },
      });
      expect(main.body).not.toHaveProperty('status');
      expect(main.body.metadata.generation).toBe(2);
      const body = {
        metadata: { labels: { a: 'b' } },
        spec: { size: 3 },
        status: { phase: 'late', unknown: 1 },
      };
      const status = await door.ask('PATCH', `${custom}/widgets/a/status`, { body });
      expect(status.body).toMatchObject({
        spec: { size: 2 },
        status: { phase: 'late' },
        metadata: { generation: 2 },
      });
      expect(status.body.metadata).not.toHaveProperty('labels');
      expect(status.body.status).toEqual({ phase: 'late' });
      const labelled = await door.ask('PATCH', `${custom}/widgets/a`, {
        body: { metadata: { labels: { a: 'b' } } },
      });
      expect(labelled.body).toMatchObject({ status: { phase: 'late' }, metadata: { generation: 2 } });
      expect((await door.ask('GET', `${custom}/widgets/a/status`)).body).toMatchObject({
        kind: 'Widget',
        status: { phase: 'late' },
      });
      const stale = { ...made.body, status: { phase: 'z' } };
      expect(await door.ask('PUT', `${custom}/widgets/a/status`, { body: stale })).toMatchObject({
        status: 409,
      });
    },
  },
  {
    sentence:
      'if status is not a subresource, it is a field like others, increases the generation, and has no path',
    source: `${crd}#status-subresource`,
    check: async ({ door, custom }) => {
      const made = await door.ask('POST', `${custom}/gadgets`, {
        body: gadget('a', { status: { phase: 'x' } }),
      });
      expect(made.body).toMatchObject({ status: { phase: 'x' }, metadata: { generation: 1 } });
      const { body } = await door.ask('PATCH', `${custom}/gadgets/a`, { body: { status: { phase: 'y' } } });
      expect(body).toMatchObject({ status: { phase: 'y' }, metadata: { generation: 2 } });
      const labelled = await door.ask('PATCH', `${custom}/gadgets/a`, {
        body: { metadata: { labels: { a: 'b' } } },
      });
      expect(labelled.body.metadata.generation).toBe(2);
      expect(await door.ask('PATCH', `${custom}/gadgets/a/status`, { body: {} })).toMatchObject({
        status: 404,
      });
    },
  },
  {
    sentence: 'the status of pods and nodes is written through its own path; a node may bring one',
    source: `${conventions}#spec-and-status`,
    check: async ({ door, core, namespace }) => {
      const made = await door.ask('POST', `${core}/pods`, {
        body: { ...pod('a'), status: { phase: 'Running', podIP: '10.0.0.1' } },
      });
      expect(made.body.status).toMatchObject({ phase: 'Pending' });
      expect(made.body.status).not.toHaveProperty('podIP');
      const status = await door.ask('PATCH', `${core}/pods/a/status`, {
        body: { status: { phase: 'Running', podIP: '10.0.0.2' } },
      });
      expect(status.body.status).toMatchObject({ phase: 'Running', podIP: '10.0.0.2' });
      const labelled = await door.ask('PATCH', `${core}/pods/a`, {
        body: { metadata: { labels: { a: 'b' } }, status: { phase: 'Failed' } },
      });
      expect(labelled.body).toMatchObject({ metadata: { labels: { a: 'b' } }, status: { phase: 'Running' } });
      const node = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: namespace },
        status: { addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] },
      };
      expect((await door.ask('POST', '/api/v1/nodes', { body: node })).body.status.addresses).toEqual(
        node.status.addresses,
      );
      await door.ask('DELETE', `/api/v1/nodes/${namespace}`);
    },
    unlike: { 'v1.36': 'it has none of the rules of pods' },
  },
  {
    sentence:
      'a definition must be named after its plural and group, be structural, and be approved in protected groups',
    source: crd,
    check: async ({ door, namespace }) => {
      const group = `${namespace}.example.com`;
      const misnamed = definition(group, { name: `other.${group}` });
      const untyped = definition(group);
      untyped.spec.versions[0].schema = { openAPIV3Schema: { type: 'object', properties: { spec: {} } } };
      const schemaless = definition(group);
      delete schemaless.spec.versions[0].schema;
      const storeless = definition(group);
      storeless.spec.versions[0].storage = false;
      const scopeless = definition(group);
      delete scopeless.spec.scope;
      for (const body of [
        misnamed,
        untyped,
        schemaless,
        storeless,
        scopeless,
        definition(`${namespace}.k8s.io`),
      ]) {
        expect(await door.ask('POST', definitions, { body })).toMatchObject({
          status: 422,
          body: { reason: 'Invalid' },
        });
      }
      const approved = definition(`${namespace}.k8s.io`, {
        annotations: { 'api-approved.kubernetes.io': 'unapproved, test' },
      });
      expect(await door.ask('POST', definitions, { body: approved })).toMatchObject({ status: 201 });
      await door.ask('DELETE', `${definitions}/things.${namespace}.k8s.io`);
    },
  },
  {
    sentence: 'a definition makes a resource, is completed, and takes the resource away when it goes',
    source: crd,
    check: async ({ door, namespace }) => {
      const group = `${namespace}.example.com`;
      const made = await door.ask('POST', definitions, { body: definition(group) });
      expect(made.body).toMatchObject({
        metadata: { generation: 1 },
        spec: {
          names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
          conversion: { strategy: 'None' },
        },
      });
      await untilServed(door, `/apis/${group}/v1/things`);
      const established = await door.ask('GET', `${definitions}/things.${group}`);
      expect(established.body.status.conditions).toEqual(
        expect.arrayContaining([expect.objectContaining({ type: 'Established', status: 'True' })]),
      );
      const thing = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'a' } };
      expect(await door.ask('POST', `/apis/${group}/v1/things`, { body: thing })).toMatchObject({
        status: 201,
      });
      await door.ask('DELETE', `${definitions}/things.${group}`);
      const end = Date.now() + 20_000;
      // The real server needs some time to empty it.
      while ((await door.ask('GET', `/apis/${group}/v1/things/a`)).status !== 404 && Date.now() < end);
      expect(await door.ask('GET', `/apis/${group}/v1/things/a`)).toMatchObject({ status: 404 });
    },
  },
];
