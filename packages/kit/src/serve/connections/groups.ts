// Limits of a group of callers, such as the pods of a namespace, beside those of one caller: users who can create any number of
// callers gain nothing by it.
import type { Clock } from '../../core/clock.ts';
import { createPace, type Pace } from '../../core/pace.ts';
import { RecentMap } from '../../core/recent.ts';
import { largest } from '../../core/shares.ts';

export interface Member {
  readonly peer: string;
  readonly size: number;
  hold(): void;
}

interface GroupsOptions {
  readonly clock: Clock;
  /** Of one caller; 0: unlimited. */
  readonly requestsPerSecond: number;
  /** Of all callers. */
  readonly connections: number;
  /** Undefined for a caller without a group. */
  readonly groupOf?: (peer: string) => string | undefined;
}

export type Groups = ReturnType<typeof createGroups>;

/** The rate of a group is that of so many callers. */
const callersOfGroup = 10;
/** A group may have one half of all connections. */
const groupsOfAll = 2;
/** An evicted pace starts full again; there are fewer groups than callers. */
const pacesKept = 2_048;
/** For callers without a group. */
const unlimited = createPace({ perSecond: 0, now: 0 });

export function createGroups(options: GroupsOptions) {
  const { connections, groupOf = () => undefined } = options;
  const shared = createSharedPaces(options);
  const ofGroup = (peer: string): Pace => {
    const group = groupOf(peer);
    return group === undefined ? unlimited : shared(group);
  };
  const nameOf = (peer: string) => groupOf(peer) ?? `address ${peer}`;

  return {
    /** The group of a caller, or the caller itself if it has none. */
    nameOf,
    /** The pace of a caller, limited by that of its group. */
    paceOf: (peer: string, own: Pace) => sharingPace(own, () => ofGroup(peer)),
    /** Stops reading a caller, or its whole group if that is over its rate. */
    hold(caller: Member, all: Iterable<Member>): void {
      caller.hold();
      const group = groupOf(caller.peer);
      if (group === undefined || shared(group).available(options.clock.elapsed()) >= 1) return;
      for (const one of all) if (one.size > 0 && groupOf(one.peer) === group) one.hold();
    },
    /** The caller that loses a connection to a newcomer: the newcomer itself if no caller has more. Undefined: there is room. */
    givesUp<M extends Member>(newcomer: M, total: number, all: Iterable<M>): M | undefined {
      const share = Math.ceil(connections / groupsOfAll);
      const group = groupOf(newcomer.peer);
      if (total <= (group === undefined ? connections : share)) return undefined;
      const groups = weigh(newcomer, all, nameOf);
      const own = group === undefined ? undefined : groups.get(group);
      if (own && own.size > share) return own.heaviest;
      return total > connections ? largest(groups.values(), ({ size }) => size)?.heaviest : undefined;
    },
  };
}

interface Weight<M> {
  size: number;
  /** Of its callers. */
  heaviest: M;
}

/** The newcomer and its group come first, so that they win ties. */
function weigh<M extends Member>(newcomer: M, all: Iterable<M>, nameOf: (peer: string) => string) {
  const groups = new Map<string, Weight<M>>([[nameOf(newcomer.peer), { size: 0, heaviest: newcomer }]]);
  for (const one of all) {
    if (one.size === 0) continue;
    const name = nameOf(one.peer);
    const weight = groups.get(name) ?? { size: 0, heaviest: one };
    groups.set(name, weight);
    weight.size += one.size;
    if (one.size > weight.heaviest.size) weight.heaviest = one;
  }
  return groups;
}

function createSharedPaces({ requestsPerSecond, clock }: GroupsOptions): (group: string) => Pace {
  const paces = new RecentMap<string, Pace>(pacesKept);
  return (group) => {
    const known = paces.get(group);
    if (known) return known;
    const pace = createPace({ perSecond: requestsPerSecond * callersOfGroup, now: clock.elapsed() });
    paces.set(group, pace);
    return pace;
  };
}

/** The pace of the group makes callers wait, but never refuses. */
function sharingPace(own: Pace, ofGroup: () => Pace): Pace {
  return {
    take(now) {
      const ours = ofGroup().take(now);
      const mine = own.take(now);
      return mine === 'go' && ours !== 'go' ? 'wait' : mine;
    },
    waitMs: (now) => Math.max(own.waitMs(now), ofGroup().waitMs(now)),
    available(now) {
      const ours = ofGroup().available(now);
      // Callers of the group check separately: one connection at a time, so that together they do not exceed the pace.
      return Math.min(own.available(now), ours === Infinity ? ours : Math.min(1, Math.max(0, ours)));
    },
  };
}
