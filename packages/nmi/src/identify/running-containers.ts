import { readdirSync, readFileSync, statSync } from 'node:fs';

export interface RunningContainers {
  /**
   * Whether the kernel shows processes of the pod's containers, beside those of its sandbox. Container runtimes stop all containers of
   * a pod before they release its address. False: no, or the kernel's control groups cannot be read.
   */
  areRunning(uid: string): boolean;
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

/** @param root The control groups of the host. */
export function createRunningContainers(
  root = '/host/cgroup',
  files: ControlGroupFiles = kernelFiles,
): RunningContainers {
  const runIn = (group: string, { file, hasProcesses }: (typeof hierarchies)[number]) => {
    let running = 0;
    // One of them is the sandbox, which ends last. No more than two are read: a pod can have hundreds of containers.
    return files.folders(group).some((name) => {
      if (isContainer(name) && hasProcesses.test(files.read(`${group}/${name}/${file}`))) running += 1;
      return running > 1;
    });
  };
  return {
    areRunning: (uid) =>
      hierarchies.some((hierarchy) =>
        groupsOf(uid).some((group) => runIn(`${root}${hierarchy.folder}/${group}`, hierarchy)),
      ),
  };
}

const kernelFiles: ControlGroupFiles = {
  folders(path) {
    // Most paths do not exist: an exception for each would cost more than the rest.
    if (!statSync(path, { throwIfNoEntry: false })) return [];
    const read = () => readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return orElse(read, []).map(({ name }) => name);
  },
  read: (path) => orElse(() => readFileSync(path, 'latin1'), ''),
};

/** A group may be removed at any time. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
