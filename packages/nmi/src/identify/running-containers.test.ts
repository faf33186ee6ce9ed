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
const own = 'a0000000-0000-4000-8000-00000000000a';
const shown = (asked = uid) => createRunningContainers(own, root).of({ uid: asked });

const layouts = ([1, 2] as const).flatMap((version) =>
  Object.entries(groups).map(([name, group]) => ({ version, name, group })),
);

const ownGroup = (group: string) => group.replace(uid, own).replace(escaped, own.replaceAll('-', '_'));

it.each(layouts)(
  'version $version, $name: a pod runs while another group than that of its sandbox has processes',
  ({ version, group }) => {
    put(version, ownGroup(group), { 'cri-containerd-sandbox.scope': true, 'cri-containerd-nmi.scope': true });
    expect(shown()).toBe('none');
    put(version, group, { 'cri-containerd-sandbox.scope': true });
    expect(shown()).toBe('none');
    put(version, group, { 'cri-containerd-app.scope': true });
    expect([shown(), shown(uid.replace('5', '6'))]).toEqual(['running', 'none']);
    put(version, group, { 'cri-containerd-app.scope': false });
    expect(shown()).toBe('none');
  },
);

it('the monitors that CRI-O starts for the containers of a pod are no containers', () => {
  const group = groups['systemd, burstable'];
  put(2, ownGroup(group), { 'crio-sandbox.scope': true, 'crio-nmi.scope': true });
  put(2, group, { 'crio-conmon-a.scope': true, 'crio-conmon-b.scope': true, 'crio-a.scope': true });
  expect(shown()).toBe('none');
  put(2, group, { 'crio-b.scope': true });
  expect(shown()).toBe('running');
});

it('where a runtime has no group for a sandbox, as CRI-O without an infra container, one container is enough', () => {
  const group = groups['systemd, burstable'];
  put(2, ownGroup(group), { 'crio-conmon-nmi.scope': true, 'crio-nmi.scope': true });
  expect(shown()).toBe('none');
  put(2, group, { 'crio-conmon-a.scope': true, 'crio-a.scope': true });
  expect(shown()).toBe('running');
  put(2, group, { 'crio-a.scope': false });
  expect(shown()).toBe('none');
});

it('attack: CRI-O without infra containers has one for a pod that shares its processes: alone it is no container', () => {
  const group = groups['systemd, burstable'];
  put(2, ownGroup(group), { 'crio-nmi.scope': true });
  put(2, group, { 'crio-infra.scope': true });
  const sharing = () => createRunningContainers(own, root).of({ uid, sharesProcesses: true });
  expect(sharing()).toBe('none');
  put(2, group, { 'crio-app.scope': true });
  expect(sharing()).toBe('running');
});

it.each(['EMFILE', 'EIO'])(
  'attack: groups that cannot be read for a moment (%s) show no container',
  (code) => {
    const state = { fails: true };
    const files = {
      folders: (path: string) => (path.endsWith(`pod${own}`) ? ['sandbox', 'nmi'] : []),
      read: (path: string) => {
        if (state.fails && path.includes('nmi')) throw Object.assign(new Error(code), { code });
        return 'populated 1\n';
      },
    };
    const containers = createRunningContainers(own, root, files);
    expect(containers.of({ uid })).toBe('none');
    state.fails = false;
    expect(containers.of({ uid })).toBe('none');
  },
);

it('attack: too many open files while the kernel is asked show no container', () => {
  const group = groups['cgroupfs, burstable'];
  put(2, ownGroup(group), { sandbox: true });
  put(2, group, { sandbox: true });
  // A folder in place of the file: reading it fails with EISDIR, which says as little.
  mkdirSync(join(root, ownGroup(group), 'nmi', 'cgroup.events'), { recursive: true });
  expect(shown()).toBe('none');
});

it('attack: once NMI found its own containers, that it does not find them for a moment does not end the check', () => {
  const group = groups['cgroupfs, burstable'];
  put(2, ownGroup(group), { sandbox: true, nmi: true });
  const containers = createRunningContainers(own, root);
  expect(containers.of({ uid })).toBe('none');
  rmSync(join(root, ownGroup(group)), { recursive: true });
  expect(containers.of({ uid })).toBe('none');
});

it('a debug container in NMI’s pod does not stop pods with one container where there are no sandbox groups', () => {
  const group = groups['systemd, burstable'];
  put(2, ownGroup(group), { 'crio-nmi.scope': true });
  put(2, group, { 'crio-a.scope': true });
  const containers = createRunningContainers(own, root);
  expect(containers.of({ uid })).toBe('running');
  put(2, ownGroup(group), { 'crio-debug.scope': true });
  expect(containers.of({ uid })).toBe('running');
});

it('nothing is known where NMI does not find its own containers, as below a nested kubelet', () => {
  expect(shown()).toBe('unknown');
  put(1, groups['cgroupfs, burstable'], { sandbox: true });
  expect([shown(), createRunningContainers('', root).of({ uid })]).toEqual(['unknown', 'unknown']);
});

it('that a pod of another runtime class or a static one shows no containers says nothing; two that it shows run', () => {
  const group = groups['cgroupfs, burstable'];
  put(2, ownGroup(group), { sandbox: true, nmi: true });
  const opaque = () => createRunningContainers(own, root).of({ uid, isOpaque: true });
  expect(opaque()).toBe('unknown');
  put(2, group, { sandbox: true, app: true });
  expect(opaque()).toBe('running');
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
  expect(createRunningContainers(own, root, files).of({ uid })).toBe('running');
  expect(reads).toBe(2);
});

it('nothing is known where the control groups are not mounted, or change while they are read', () => {
  expect(createRunningContainers(own, join(root, 'missing')).of({ uid })).toBe('unknown');
  const vanishing = { folders: () => ['sandbox', 'app'], read: () => '' };
  expect(createRunningContainers(own, root, vanishing).of({ uid })).toBe('unknown');
});
