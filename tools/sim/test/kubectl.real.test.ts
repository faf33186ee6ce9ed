import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startKube, type KubeSim } from '../src/kube/index.ts';
import { openDoor } from './conformance/door.ts';
import { defineKinds } from './conformance/row.ts';

const run = promisify(execFile);
const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`kubectl.real.test.ts is skipped: ${missing}`);

const manifest = (size: number): string => `
apiVersion: sim.example.com/v1
kind: Widget
metadata: { name: one, namespace: default }
spec: { size: ${size}, tags: [a] }
---
apiVersion: v1
kind: Pod
metadata: { name: one, namespace: default, labels: { size: "${size}" } }
spec: { nodeName: n1, containers: [{ name: main, image: "local.test/app:${size}" }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: one, namespace: default }
spec:
  selector: { matchLabels: { a: b } }
  template:
    metadata: { labels: { a: b } }
    spec: { containers: [{ name: main, image: "local.test/app:${size}", env: [{ name: A, value: "${size}" }] }] }
`;

describe.skipIf(missing !== undefined)('kubectl works with the simulated API server', () => {
  let kube: KubeSim;
  let folder: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    kube = await startKube();
    folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeFile(join(folder, 'config'), kube.kubeconfig());
    await defineKinds(openDoor(kube.url));
  });
  afterAll(async () => {
    for (const child of children) child.kill();
    await kube.stop();
    await rm(folder, { recursive: true });
  });

  const options = () => ({ env: { ...process.env, KUBECONFIG: join(folder, 'config'), HOME: folder } });
  const kubectl = async (...words: string[]): Promise<string> =>
    (await run('kubectl', words, options())).stdout.trim();
  const apply = async (text: string, ...more: string[]): Promise<string> => {
    const file = join(folder, 'manifest.yaml');
    await writeFile(file, text);
    return kubectl('apply', '-f', file, ...more);
  };

  test('apply creates, keeps and changes objects; get prints and delete removes them', async () => {
    const lines = (...states: string[]) =>
      ['widget.sim.example.com/one', 'pod/one', 'daemonset.apps/one']
        .map((name, i) => `${name} ${states[i] ?? ''}`)
        .join('\n');
    expect(await apply(manifest(1))).toBe(lines('created', 'created', 'created'));
    expect(await apply(manifest(1))).toBe(lines('unchanged', 'unchanged', 'unchanged'));
    expect(await apply(manifest(2))).toBe(lines('configured', 'configured', 'configured'));
    expect(kube.get('widgets', 'one', 'default')).toMatchObject({
      spec: { size: 2 },
      metadata: { generation: 2 },
    });
    expect(kube.get('daemonsets', 'one', 'default')).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [{ name: 'main', image: 'local.test/app:2', env: [{ name: 'A', value: '2' }] }],
          },
        },
      },
    });
    expect(await kubectl('get', 'widgets')).toMatch(/^NAME +SIZE\none +2$/);
    expect(await kubectl('get', 'pods', '-A', '-l', 'size=2', '-o', 'name')).toBe('pod/one');
    expect(await kubectl('get', 'pod', 'one', '-o', 'jsonpath={.spec.nodeName}')).toBe('n1');
    expect(await kubectl('delete', 'widget,pod,daemonset', 'one')).toContain('daemonset.apps "one" deleted');
    expect(kube.list('widgets')).toEqual([]);
  });

  test('patch, label and annotate change single fields', async () => {
    await apply(manifest(1));
    await kubectl('patch', 'widget', 'one', '--type=merge', '-p', '{"spec":{"size":3}}');
    await kubectl(
      'patch',
      'widget',
      'one',
      '--type=merge',
      '--subresource=status',
      '-p',
      '{"status":{"phase":"Good"}}',
    );
    await kubectl('patch', 'pod', 'one', '-p', '{"metadata":{"labels":{"patched":"yes"}}}');
    await kubectl('label', 'pod', 'one', 'labelled=yes');
    await kubectl('annotate', 'widget', 'one', 'noted=yes');
    expect(kube.get('widgets', 'one', 'default')).toMatchObject({
      spec: { size: 3 },
      status: { phase: 'Good' },
      metadata: { annotations: { noted: 'yes' } },
    });
    expect(kube.get('pods', 'one', 'default')?.metadata.labels).toEqual({
      size: '1',
      patched: 'yes',
      labelled: 'yes',
    });
  });

  test('unknown fields and wrong values are refused with the reason', async () => {
    const refused = (text: string) => apply(text).then(String, (error: unknown) => String(error));
    expect(await refused(manifest(1).replace('tags: [a]', 'unknown: 1'))).toContain(
      'unknown field "spec.unknown"',
    );
    expect(await refused(manifest(77))).toContain('spec.size in body should be less than or equal to 9');
  });

  test('create, api-resources, version, and deletion of a namespace with its objects', async () => {
    const file = join(folder, 'namespace.yaml');
    await writeFile(file, 'apiVersion: v1\nkind: Namespace\nmetadata: { name: extra }\n');
    expect(await kubectl('create', '-f', file)).toBe('namespace/extra created');
    await apply(manifest(1).replaceAll('namespace: default', 'namespace: extra'));
    expect(await kubectl('api-resources', '--api-group=sim.example.com', '-o', 'name')).toBe(
      'gadgets.sim.example.com\nwidgets.sim.example.com',
    );
    expect(await kubectl('version')).toContain('+sim');
    expect(await kubectl('delete', 'namespace', 'extra')).toContain('deleted');
    expect(kube.list('pods', 'extra')).toEqual([]);
  });

  test('get all lists workloads, and custom kinds whose definition says so', async () => {
    await apply(manifest(1));
    expect((await kubectl('get', 'all', '-o', 'name')).split('\n').sort()).toEqual([
      'daemonset.apps/one',
      'pod/one',
      'widget.sim.example.com/one',
    ]);
    await kubectl('delete', 'widget,pod,daemonset', 'one');
  });

  test('explain prints the fields of custom kinds, and where those of built-in kinds are described', async () => {
    expect(await kubectl('explain', 'widget.spec')).toMatch(/FIELDS:[^]*size\t<integer>/);
    expect(await kubectl('explain', 'pod.spec')).toContain('describes custom kinds only');
  });

  test('what takes a container or protobuf is refused with a message that says so', async () => {
    await apply(manifest(1));
    const refused = (...words: string[]) => kubectl(...words).then(String, (error: unknown) => String(error));
    for (const [part, ...words] of [
      ['log', 'logs', 'one'],
      ['exec', 'exec', 'one', '--', 'true'],
    ])
      expect(await refused(...words)).toContain(
        `no container runs: the simulated API server has no pods/${part}`,
      );
    expect(await refused('create', 'namespace', 'other')).toContain('use kubectl apply -f FILE');
  });

  test('get -w follows changes', async () => {
    const since = kube.journal.mark();
    const child = spawn(
      'kubectl',
      ['get', 'widgets', '-w', '--no-headers', '--output-watch-events'],
      options(),
    );
    children.push(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await expect
      .poll(() => kube.journal.count({ since, query: /watch=true/ }), { message: 'the watch of kubectl' })
      .toBeGreaterThan(0);
    await apply(manifest(4));
    await kubectl('delete', 'widget', 'one');
    await expect.poll(() => text).toContain('DELETED');
    expect(text.split('\n').map((line) => line.split(/ +/).join(' '))).toEqual(
      expect.arrayContaining(['MODIFIED one 4', 'DELETED one 4']),
    );
    child.kill();
    await once(child, 'exit');
  });
});
