import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { PodView } from './pod-view.ts';

export interface RunningContainers {
  /**
   * Whether the kernel shows processes of the pod's containers now, beside those of its sandbox. Container runtimes stop all containers of
   * a pod before they release its address. unknown: NMI does not find its own containers in the same way, or the pod's have no such groups.
   */
  of(pod: Pick<PodView, 'uid' | 'isOpaque' | 'sharesProcesses'>): 'running' | 'none' | 'unknown';
}

export interface ControlGroupFiles {
  /** Names of the folders in a folder; none if it does not exist. */
  folders(path: string): readonly string[];
  /** '' if the file does not exist. */
  read(path: string): string;
}

/** Version 2, and the hierarchy of version 1 that counts processes: their numbers are not shown to another process namespace. */
const hierarchies = [
  { folder: '', file: 'cgroup.events', hasProcesses: /^populated 1$/m },
  { folder: '/pids', file: 'pids.current', hasProcesses: /^[1-9]/ },
];
const qualities = ['burstable', 'besteffort'];

/** Where kubelets keep the group of a pod: in slices of systemd, or in folders of their own. */
function groupsOf(uid: string): readonly string[] {
  const escaped = uid.replaceAll('-', '_');
  return [
    `kubepods.slice/kubepods-pod${escaped}.slice`,
    ...qualities.map((each) => `kubepods.slice/kubepods-${each}.slice/kubepods-${each}-pod${escaped}.slice`),
    `kubepods/pod${uid}`,
    ...qualities.map((each) => `kubepods/${each}/pod${uid}`),
  ];
}

/** CRI-O may put the monitor of a container into a group of the pod: it is no container. */
const isContainer = (name: string) => !name.startsWith('crio-conmon-');

/**
 * @param ownUid Of NMI's own pod.
 * @param root The control groups of the host.
 */
export function createRunningContainers(
  ownUid: string,
  root = '/host/cgroup',
  files: ControlGroupFiles = kernelFiles,
): RunningContainers {
  const countIn = (group: string, { file, hasProcesses }: (typeof hierarchies)[number]) => {
    let count = 0;
    // No more than two are read: a pod can have hundreds of containers.
    for (const name of files.folders(group))
      if (count < 2 && isContainer(name) && hasProcesses.test(files.read(`${group}/${name}/${file}`)))
        count += 1;
    return count;
  };
  const count = (uid: string) => {
    for (const hierarchy of hierarchies)
      for (const group of groupsOf(uid)) {
        const found = countIn(`${root}${hierarchy.folder}/${group}`, hierarchy);
        if (found > 0) return found;
      }
    return 0;
  };
  // Counted until it succeeds: later a debug container may be added to NMI's pod.
  let ownCount = 0;
  const look: RunningContainers['of'] = ({ uid, isOpaque, sharesProcesses }) => {
    const seen = count(uid);
    if (seen > 1) return 'running';
    // NMI's pod has one container. If that is all it has, the runtime has no group for a sandbox, which is otherwise one of the two.
    const own = isOpaque ? 0 : (ownCount ||= count(ownUid));
    if (own === 0) return 'unknown';
    // CRI-O always has one for a pod whose containers share their processes.
    return seen < (sharesProcesses ? 2 : own) ? 'none' : 'running';
  };
  return {
    // After an error, such as too many open files, nothing shows that a container runs.
    of: (pod) => orElse(() => look(pod), 'none'),
  };
}

const kernelFiles: ControlGroupFiles = {
  folders(path) {
    const read = () =>
      // Most paths do not exist: an exception for each would cost more than the rest.
      statSync(path, { throwIfNoEntry: false })
        ? readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory())
        : [];
    return orElse(read, [], isMissing).map(({ name }) => name);
  },
  read: (path) => orElse(() => readFileSync(path, 'latin1'), '', isMissing),
};

/** A group may be removed at any time, and a node's policy may hide all of them. */
const isMissing = (error: unknown) =>
  ['ENOENT', 'ENOTDIR', 'ENODEV', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

function orElse<T>(read: () => T, otherwise: T, isExpected: (error: unknown) => boolean = () => true): T {
  try {
    return read();
  } catch (error) {
    if (!isExpected(error)) throw error;
    return otherwise;
  }
}
