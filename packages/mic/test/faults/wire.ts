// Whether a request of ours is under way: undici and node:http announce when one begins, and the request tells its end.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Of node:http when it has `destroyed`, else of undici. */
interface WireRequest {
  readonly path: string;
  readonly destroyed?: boolean;
  readonly aborted: boolean;
  readonly completed?: boolean;
}

export interface Wire extends Disposable {
  /** No request is under way but watches and those that are known to hang. */
  readonly isQuiet: boolean;
  /** Requests to this path are not waited for. */
  leaveOut(path: RegExp): void;
}

const beginnings = ['undici:request:create', 'http.client.request.created'];

export function tapWire(): Wire {
  const underWay = new Set<WireRequest>();
  const left: RegExp[] = [];
  const isWaitedFor = ({ path }: WireRequest) => {
    const [address = '', query = ''] = path.split('?', 2);
    return !query.includes('watch=true') && !left.some((pattern) => address.search(pattern) >= 0);
  };
  const isOver = ({ destroyed, aborted, completed }: WireRequest) =>
    destroyed === true || aborted || completed === true;
  const begin = (message: unknown) => {
    const { request } = message as { request: WireRequest };
    underWay.add(request);
  };
  for (const name of beginnings) subscribe(name, begin);
  return {
    get isQuiet() {
      for (const request of underWay) if (isOver(request)) underWay.delete(request);
      return ![...underWay].some(isWaitedFor);
    },
    leaveOut: (path) => void left.push(path),
    [Symbol.dispose]: () => beginnings.forEach((name) => unsubscribe(name, begin)),
  };
}
