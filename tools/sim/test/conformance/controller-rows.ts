import { expect } from 'vitest';
import { configMap, sources, widget, type Row, type Stage } from './row.ts';

const { garbage } = sources;

/**
 * Waits for controllers by the watch, which is open when this resolves. The garbage collector pauses
 * for up to 30 s while definitions are created and deleted, as in the rows before.
 */
async function watchEnd({ door }: Stage, list: string, name: string): Promise<() => Promise<void>> {
  const query = `watch=true&fieldSelector=metadata.name%3D${name}&timeoutSeconds=150&resourceVersion=0`;
  const watch = await door.openWatch(`${list}?${query}`);
  return async () => {
    const events = await watch.until(({ type }) => type === 'DELETED');
    expect(events.at(-1), `${list}/${name} is deleted within 150 s`).toMatchObject({ type: 'DELETED' });
  };
}

/** Rows that need controllers beside the API server. */
export const controllerRows: readonly Row[] = [
  {
    sentence: 'dependents go when their last owner goes, not before',
    source: garbage,
    check: async (stage) => {
      const { door, core } = stage;
      const owners = [
        (await door.ask('POST', `${core}/configmaps`, { body: configMap('one') })).body,
        (await door.ask('POST', `${core}/configmaps`, { body: configMap('two') })).body,
      ].map(({ apiVersion, kind, metadata }) => ({
        apiVersion,
        kind,
        name: metadata.name,
        uid: metadata.uid,
      }));
      await door.ask('POST', `${core}/configmaps`, {
        body: configMap('of-both', {}, { ownerReferences: owners }),
      });
      await door.ask('POST', `${core}/configmaps`, {
        body: configMap('of-one', {}, { ownerReferences: owners.slice(0, 1) }),
      });
      const untilGone = await watchEnd(stage, `${core}/configmaps`, 'of-one');
      await door.ask('DELETE', `${core}/configmaps/one`);
      await untilGone();
      expect(await door.ask('GET', `${core}/configmaps/of-one`)).toMatchObject({ status: 404 });
      expect(await door.ask('GET', `${core}/configmaps/of-both`)).toMatchObject({ status: 200 });
      const untilLastGone = await watchEnd(stage, `${core}/configmaps`, 'of-both');
      await door.ask('DELETE', `${core}/configmaps/two`);
      await untilLastGone();
      expect(await door.ask('GET', `${core}/configmaps/of-both`)).toMatchObject({ status: 404 });
    },
  },
  {
    sentence: 'a deleted namespace takes nothing new, empties itself, waits for finalizers, and goes',
    source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/',
    check: async (stage) => {
      const { door, core, custom, namespace } = stage;
      await door.ask('POST', `${core}/configmaps`, { body: configMap('a') });
      await door.ask('POST', `${custom}/widgets`, {
        body: widget('held', {}, { finalizers: ['example.com/hold'] }),
      });
      const untilGone = await watchEnd(stage, `${core}/configmaps`, 'a');
      await door.ask('DELETE', core);
      await untilGone();
      const refused = await door.ask('POST', `${core}/configmaps`, { body: configMap('b') });
      expect(refused).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
      expect(refused.body.message).toContain(`because it is being terminated`);
      expect(await door.ask('GET', core)).toMatchObject({ status: 200 });
      const untilEmptied = await watchEnd(stage, '/api/v1/namespaces', namespace);
      await door.ask('PATCH', `${custom}/widgets/held`, { body: { metadata: { finalizers: null } } });
      await untilEmptied();
      expect(await door.ask('GET', core)).toMatchObject({ status: 404 });
    },
    unlike: { 'v1.36': 'it has none of the rules of namespaces' },
  },
];
