// Callers that belong together, such as the pods of a namespace: what one of them may have is bounded, and so is what all of them
// have. One who can make callers at will gains nothing by making more.
import type { Clock } from '../../core/clock.ts';
import { createPace, type Pace } from '../../core/pace.ts';
import { RecentMap } from '../../core/recent.ts';

/** As far as groups look at a caller. */
export interface Member {
  readonly peer: string;
  readonly size: number;
  hold(): void;
}

export interface GroupsOptions {
  readonly clock: Clock;
  /** Requests of one caller; 0: as many as come. */
  readonly requestsPerSecond: number;
  /** Connections of all callers. */
  readonly connections: number;
  /** Undefined for a caller that is known by its address alone. */
  readonly groupOf?: (peer: string) => string | undefined;
}

export interface Groups {
  /** That of a caller, or its own where it belongs to none. */
  nameOf(peer: string): string;
  /** The pace of a caller that has one of its own and shares that of its group. */
  paceOf(peer: string, own: Pace): Pace;
  /** Reads nothing more of a caller; nor of its group when that has asked too often. */
  hold(caller: Member, all: Iterable<Member>): void;
  /** The caller that gives a connection up for a newcomer's: the newcomer itself when nobody has more. Undefined: there is room. */
  givesUp<M extends Member>(newcomer: M, total: number, all: Iterable<M>): M | undefined;
}

/** A group may ask as often as so many callers. */
const callersOfGroup = 10;
/** Of all connections a group may have one half. */
const groupsOfAll = 2;
/** A pace that is forgotten is full again; there are fewer groups than callers. */
const pacesKept = 2_048;
/** Of callers that belong to no group. */
const unlimited = createPace({ perSecond: 0, now: 0 });

export function createGroups(options: GroupsOptions): Groups {
  const { connections, groupOf = () => undefined } = options;
  const shared = createSharedPaces(options);
  const ofGroup = (peer: string): Pace => {
    const group = groupOf(peer);
    return group === undefined ? unlimited : shared(group);
  };
  const nameOf = (peer: string) => groupOf(peer) ?? `address ${peer}`;

  return {
    nameOf,
    paceOf: (peer, own) => sharingPace(own, () => ofGroup(peer)),
    hold(caller, all) {
      caller.hold();
      const group = groupOf(caller.peer);
      if (group === undefined || shared(group).available(options.clock.now()) >= 1) return;
      for (const one of all) if (one.size > 0 && groupOf(one.peer) === group) one.hold();
    },
    givesUp(newcomer, total, all) {
      const share = Math.ceil(connections / groupsOfAll);
      const group = groupOf(newcomer.peer);
      if (total <= (group === undefined ? connections : share)) return undefined;
      const groups = weigh(newcomer, all, nameOf);
      const own = group === undefined ? undefined : groups.get(group);
      if (own && own.size > share) return own.heaviest;
      return total > connections ? heaviest(groups.values())?.heaviest : undefined;
    },
  };
}

interface Weight<M> {
  size: number;
  /** Of its callers. */
  heaviest: M;
}

/** The newcomer and its group come first: whoever has as many has no more. */
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

function heaviest<M>(all: Iterable<Weight<M>>): Weight<M> | undefined {
  let found: Weight<M> | undefined;
  for (const one of all) if (found === undefined || one.size > found.size) found = one;
  return found;
}

function createSharedPaces({ requestsPerSecond, clock }: GroupsOptions): (group: string) => Pace {
  const paces = new RecentMap<string, Pace>(pacesKept);
  return (group) => {
    const known = paces.get(group);
    if (known) return known;
    const pace = createPace({ perSecond: requestsPerSecond * callersOfGroup, now: clock.now() });
    paces.set(group, pace);
    return pace;
  };
}

/** Nothing is refused because of others in the group: it waits. */
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
      // Each caller of the group looks for itself: one connection at a time, so that they do not all take all there is.
      return Math.min(own.available(now), ours === Infinity ? ours : Math.min(1, Math.max(0, ours)));
    },
  };
}
