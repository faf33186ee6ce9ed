import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRunningContainers } from './running-containers.ts';

const uid = '5f5b4f1f-01ca-4f96-b0af-92ac35e0f7ca';
const escaped = uid.replaceAll('-', '_');
const groups = {
  'systemd, guaranteed': `kubepods.slice/kubepods-pod${escaped}.slice`,
  'systemd, burstable': `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${escaped}.slice`,
  'systemd, best effort': `kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${escaped}.slice`,
  'cgroupfs, guaranteed': `kubepods/pod${uid}`,
  'cgroupfs, burstable': `kubepods/burstable/pod${uid}`,
  'cgroupfs, best effort': `kubepods/besteffort/pod${uid}`,
};
const versions = {
  2: (group: string, isAlive: boolean) => [
    `${group}/cgroup.events`,
    `populated ${isAlive ? 1 : 0}\nfrozen 0\n`,
  ],
  1: (group: string, isAlive: boolean) => [`pids/${group}/pids.current`, isAlive ? '12\n' : '0\n'],
} as const;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const put = (version: 1 | 2, group: string, members: Readonly<Record<string, boolean>>) => {
  for (const [name, isAlive] of Object.entries({ '': true, ...members })) {
    const [path = '', text = ''] = versions[version](name === '' ? group : `${group}/${name}`, isAlive);
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};
const areRunning = (asked = uid) => createRunningContainers(root).areRunning(asked);

const layouts = ([1, 2] as const).flatMap((version) =>
  Object.entries(groups).map(([name, group]) => ({ version, name, group })),
);

it.each(layouts)(
  'version $version, $name: a pod runs while another group than that of its sandbox has processes',
  ({ version, group }) => {
    expect(areRunning()).toBe(false);
    put(version, group, { 'cri-containerd-sandbox.scope': true });
    expect(areRunning()).toBe(false);
    put(version, group, { 'cri-containerd-app.scope': true });
    expect([areRunning(), areRunning(uid.replace('5', '6'))]).toEqual([true, false]);
    put(version, group, { 'cri-containerd-app.scope': false });
    expect(areRunning()).toBe(false);
  },
);

it('the monitors that CRI-O starts for the containers of a pod are no containers', () => {
  const group = groups['systemd, burstable'];
  put(2, group, { 'crio-conmon-a.scope': true, 'crio-conmon-b.scope': true, 'crio-a.scope': true });
  expect(areRunning()).toBe(false);
  put(2, group, { 'crio-b.scope': true });
  expect(areRunning()).toBe(true);
});

it('of a pod with hundreds of containers, which may call a thousand times a second, two are looked at', () => {
  let reads = 0;
  const files = {
    folders: (path: string) =>
      path.endsWith(`pod${uid}`) ? Array.from({ length: 400 }, (_, n) => `${n}`) : [],
    read: () => {
      reads += 1;
      return 'populated 1\n';
    },
  };
  expect(createRunningContainers(root, files).areRunning(uid)).toBe(true);
  expect(reads).toBe(2);
});

it('nothing is known where the control groups are not mounted, or change while they are read', () => {
  expect(createRunningContainers(join(root, 'missing')).areRunning(uid)).toBe(false);
  const vanishing = { folders: () => ['sandbox', 'app'], read: () => '' };
  expect(createRunningContainers(root, vanishing).areRunning(uid)).toBe(false);
});
