// Whether a request of ours is under way: undici (and fetch, which is the same inside) announces when one begins and ends.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

interface WireRequest {
  readonly path: string;
  readonly aborted: boolean;
  readonly completed: boolean;
}

export interface Wire extends Disposable {
  /** No request is under way but watches and those that are known to hang. */
  readonly isQuiet: boolean;
  /** Requests to this path are not waited for. */
  leaveOut(path: RegExp): void;
}

const beginnings = 'undici:request:create';

export function tapWire(): Wire {
  const underWay = new Set<WireRequest>();
  const left: RegExp[] = [];
  const isWaitedFor = ({ path }: WireRequest) => {
    const [address = '', query = ''] = path.split('?', 2);
    return !query.includes('watch=true') && !left.some((pattern) => address.search(pattern) >= 0);
  };
  const begin = (message: unknown) => {
    const { request } = message as { request: WireRequest };
    underWay.add(request);
  };
  subscribe(beginnings, begin);
  return {
    get isQuiet() {
      for (const request of underWay) if (request.aborted || request.completed) underWay.delete(request);
      return ![...underWay].some(isWaitedFor);
    },
    leaveOut: (path) => void left.push(path),
    [Symbol.dispose]: () => void unsubscribe(beginnings, begin),
  };
}
