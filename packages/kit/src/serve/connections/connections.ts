// Room: who is connected, how much is read of each caller, and how callers are kept apart before a request is read.
// It must not know what requests mean, or pods.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import type { LimitEffect } from '../../core/limit-effect.ts';
import { createPace } from '../../core/pace.ts';
import { callerAddress } from '../../core/peer-address.ts';
import { createCaller, type Caller, type Line } from './caller.ts';
import { createCallers } from './callers.ts';
import { closeSoon } from './close-soon.ts';
import { createGroups, type Groups } from './groups.ts';
import { createUnwritten, type Unwritten } from './unwritten.ts';
import { createIdleTime, longestIdle, type Resting } from './idle-time.ts';
import { createAdmission, type NewConnectionLimits } from './new-connections.ts';
import { createOwnAddresses } from './own-addresses.ts';
import { whenGivenEarly } from './given-early.ts';

/** This process's own addresses have no limit but that of all callers. */
export interface ConnectionLimits {
  /** Of one caller; 0: unlimited, also new connections. */
  readonly requestsPerSecond: number;
  /** Of all callers, and of one. */
  readonly connections: number;
  readonly connectionsPerCaller: number;
  /**
   * If there are too many connections and no caller has more than the newcomer: closes the one that has been idle longest; default:
   * closes the new one.
   */
  readonly replacesIdle?: boolean;
  /** Default: those of connections without TLS. */
  readonly newConnections?: NewConnectionLimits;
}

export interface ConnectionsOptions<About> extends ConnectionLimits {
  readonly clock: Clock;
  /** The program's data about a connection, created when it opens. */
  readonly describe: (peer: string, openedAt: number) => About;
  readonly onLimited: (effect: LimitEffect, peer: string) => void;
  /** The group with which a caller shares limits, as currently known; undefined for none. */
  readonly groupOf?: (peer: string) => string | undefined;
}

type WithOwn<About> = ConnectionsOptions<About> & { readonly isOwn: (peer: string) => boolean };

/** The caller of a new request, and what to do with it. `drop`: an earlier one was already refused. */
export interface Arrival<About> {
  readonly peer: string;
  readonly connection: About;
  readonly verdict: 'answer' | 'refuse' | 'drop';
}

export type Connections<About> = ReturnType<typeof createConnections<About>>;

type Looks<About> = Unwritten<Connection<About>>;

interface Connection<About> extends Line, Resting {
  readonly socket: Socket;
  readonly caller: Caller<Connection<About>>;
  readonly about: About;
  isRefused: boolean;
  /** Only a count: keeping responses until the next request cost a fifth of the time in garbage collection. */
  unanswered: number;
  /** Bytes of complete responses that wait for those before them. */
  behind: number;
  /** Called when Node closes a response, shortly after its last byte was taken. */
  readonly over: () => void;
  /** Called when a whole response was passed to the kernel. */
  readonly sent: () => void;
  group(): string;
  unwritten(): number;
}

/**
 * Clients of the metadata service do not pipeline. A few requests at once are served; without a limit one packet would create hundreds of
 * requests and responses before the pace could stop reading.
 */
const unansweredLimit = 4;

/**
 * Requests of a caller over its rate are not refused but not read: they stay in the kernel, and the caller waits as for a slow server.
 * Only requests that were already read are refused. If there are too many connections, the caller with most loses one.
 */
export function createConnections<About>(given: ConnectionsOptions<About>) {
  const { clock, describe } = given;
  const options = { ...given, isOwn: createOwnAddresses(clock) };
  const [marks, groups] = [createMarks<About>(), createGroups(options)];
  let isReleased = false;
  const callers = createCallers<Connection<About>>((peer) => callerFrom(peer, options, groups));
  const { enter, close, looks } = createDoor(options, callers, groups);
  const judge = createJudge<About>(options, (caller) => groups.hold(caller, callers.all()));
  return {
    /** Returns false for a new connection that it has closed: its caller and the group open too many. */
    admit: createAdmission(options, (peer) => groups.nameOf(peer)),
    /** To be called for an admitted connection after Node's server has it. */
    enter(socket: Socket): void {
      const caller = callers.of(callerAddress(socket.remoteAddress));
      const about = describe(caller.peer, clock.elapsed());
      const connection = connectionOf(socket, { caller, groups, looks, about, clock });
      marks.set(socket, connection);
      listen(connection, clock);
      enter(connection);
    },
    /** Called for each request head. If too many before it are unanswered, its connection is closed. */
    acceptsRequest(socket: Socket): boolean {
      const connection = marks.of(socket);
      if (!connection || connection.unanswered < unansweredLimit) return true;
      close(connection, 'pipelined');
      return false;
    },
    arrive(socket: Socket, response: ServerResponse, now: number): Arrival<About> {
      const connection = marks.of(socket);
      if (!connection) return { peer: '', connection: describe('', 0), verdict: 'answer' };
      follow(connection, response);
      const verdict = isReleased ? 'answer' : judge(connection, now);
      return { peer: connection.caller.peer, connection: connection.about, verdict };
    },
    /** To be called after the program got a request, answered or not, to count the unwritten bytes. */
    given(socket: Socket, response: ServerResponse): void {
      const connection = marks.of(socket);
      if (connection) account(connection, response, looks);
    },
    /** Whether it is not read because its caller is over its rate. */
    isHeld(socket: object): boolean {
      const connection = marks.of(socket);
      return connection?.caller.isHeld(connection) ?? false;
    },
    /** Removes all limits, so that running requests can finish. */
    release(): void {
      isReleased = true;
      for (const caller of callers.all()) caller.release();
    },
  };
}

/** Stored as a property of the socket: a map would need three lookups for each request. */
function createMarks<About>() {
  const mark = Symbol('connection');
  type Marked = Record<symbol, Connection<About> | undefined>;
  return {
    of: (socket: object) => (socket as Marked)[mark],
    set(socket: object, connection: Connection<About>) {
      (socket as Marked)[mark] = connection;
    },
  };
}

function listen<About>(connection: Connection<About>, clock: Clock): void {
  const { socket, caller } = connection;
  socket.on('resume', () => {
    if (caller.isHeld(connection)) stopReading(socket);
  });
  // The client may have closed only its half, or be gone: both look the same.
  socket.once('end', () => {
    if (connection.unanswered > 0) closeSoon(socket, clock);
  });
}

function createJudge<About>(
  { onLimited }: ConnectionsOptions<About>,
  hold: (caller: Caller<Connection<About>>) => void,
) {
  return (connection: Connection<About>, now: number): Arrival<About>['verdict'] => {
    const { caller } = connection;
    if (connection.isRefused) return 'drop';
    const pace = caller.pace.take(now);
    if (pace === 'go') return 'answer';
    hold(caller);
    if (pace === 'wait') return 'answer';
    connection.isRefused = true;
    onLimited('refused', caller.peer);
    return 'refuse';
  };
}

function follow<About>(connection: Connection<About>, response: ServerResponse): void {
  connection.unanswered += 1;
  connection.idle.requestArrived();
  response.on('close', connection.over);
}

/** Counts the unwritten bytes of a response, now or when it is given. */
function account<About>(connection: Connection<About>, response: ServerResponse, looks: Looks<About>): void {
  if (!response.writableEnded) {
    response.on('prefinish', connection.sent);
    if (connection.unanswered === 1) return;
    whenGivenEarly(response, (bytes) => {
      connection.behind += bytes;
      looks.look(connection);
    });
  } else if (response.socket === null) {
    const bytes = response.writableLength;
    connection.behind += bytes;
    response.on('socket', () => void (connection.behind -= bytes));
    looks.lookSoon(connection, bytes);
  } else looks.look(connection);
}

/** Admits a connection, and closes another one if there are too many. */
function createDoor<About>(
  options: WithOwn<About>,
  callers: ReturnType<typeof createCallers<Connection<About>>>,
  groups: Groups,
) {
  let total = 0;
  const leave = (connection: Connection<About>) => {
    if (connection.caller.remove(connection)) total -= 1;
    unwritten.forget(connection);
  };
  const close = (connection: Connection<About>, effect: LimitEffect) => {
    leave(connection);
    connection.isRefused = true;
    connection.socket.destroy();
    options.onLimited(effect, connection.caller.peer);
  };
  const unwritten: Unwritten<Connection<About>> = createUnwritten(options.clock, (connection) =>
    close(connection, 'unread'),
  );
  const replacedBy = (newcomer: Connection<About>) =>
    options.replacesIdle ? longestIdle(newcomer, callers.all(), newcomer.caller.size) : undefined;
  const makeRoom = (newcomer: Connection<About>) => {
    const { caller } = newcomer;
    const heaviest = groups.givesUp(caller, total, callers.all());
    if (!heaviest) return;
    const replaced = heaviest === caller ? replacedBy(newcomer) : heaviest.idlest();
    if (replaced) close(replaced, 'evicted');
    else close(newcomer, 'turned-away');
  };
  const enter = (connection: Connection<About>) => {
    const { caller, socket } = connection;
    caller.add(connection);
    total += 1;
    socket.once('close', () => leave(connection));
    if (caller.size > options.connectionsPerCaller && !options.isOwn(caller.peer))
      close(connection, 'turned-away');
    else makeRoom(connection);
  };
  return { enter, close, looks: unwritten };
}

function callerFrom<About>(
  peer: string,
  { requestsPerSecond, clock, onLimited, isOwn }: WithOwn<About>,
  groups: Groups,
): Caller<Connection<About>> {
  const perSecond = isOwn(peer) ? 0 : requestsPerSecond;
  const pace = groups.paceOf(peer, createPace({ perSecond, now: clock.elapsed() }));
  return createCaller({ peer, pace, clock, onPaused: () => onLimited('paused', peer) });
}

/** Node's server resumes reading by itself, on a new connection and after each request; this stops it again. */
function stopReading(socket: Socket): void {
  // A socket that is already paused does not notify the server's parser again.
  if (socket.isPaused()) socket.emit('pause');
  else socket.pause();
}

function connectionOf<About>(
  socket: Socket,
  { caller, about, groups, looks, clock }: Parts<About>,
): Connection<About> {
  const connection: Connection<About> = {
    socket,
    caller,
    about,
    idle: createIdleTime(clock),
    isRefused: false,
    unanswered: 0,
    behind: 0,
    over() {
      connection.unanswered -= 1;
      if (connection.unanswered === 0) connection.idle.responsesSent();
      if (connection.behind > 0) looks.lookSoon(connection, 0);
      else looks.look(connection);
    },
    sent: () => looks.look(connection),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    isIdle: () => connection.unanswered === 0,
    group: () => groups.nameOf(caller.peer),
    unwritten: () => (socket.destroyed ? 0 : socket.writableLength + connection.behind),
  };
  return connection;
}

interface Parts<About> extends Pick<Connection<About>, 'caller' | 'about'> {
  readonly groups: Groups;
  readonly clock: Clock;
  readonly looks: Looks<About>;
}
