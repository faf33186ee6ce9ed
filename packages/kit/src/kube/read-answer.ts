import { lowerAscii } from '../core/lower-ascii.ts';
import type { KubeError } from './errors.ts';
import { rememberTooLarge, wholeObject, type Fields, type TooLarge } from './fields.ts';
import { field } from './object.ts';
import { membersOf, placeOf, type Place } from './place.ts';
import { createSieve, type Sieve } from './sieve.ts';
import type { KubeRequest } from './transport.ts';

/** Limit of one object that is read by its members. What exceeds it counts as too large, like a field that exceeds its own. */
const objectBytes = 128 * 1024;

const small: Fields = { upTo: 1024 };
/** ERROR events contain a Status. */
const statusFields: Readonly<Record<string, Fields>> = {
  code: small,
  reason: small,
  message: { upTo: 8 * 1024 },
  details: { members: { retryAfterSeconds: small } },
};

type Options = Pick<KubeRequest, 'fields' | 'onItem'>;

/** Reads a response that is one JSON value: an object, or a list whose items go to `onItem`. */
export function createAnswerReader({ fields = wholeObject, onItem }: Options): {
  push(chunk: Buffer): void;
  /** The value; throws the error of `incomplete` if it has not ended. */
  end(incomplete: () => KubeError): unknown;
} {
  let answer: unknown;
  const sieve = createSieve({
    place: onItem ? listPlace(fields) : placeOf(fields),
    upTo: 'upTo' in fields ? fields.upTo : objectBytes,
    onValue: (value, tooLarge) => {
      answer = value;
      rememberTooLarge(value, tooLarge);
    },
    onItem: (item, tooLarge) => {
      rememberTooLarge(item, tooLarge);
      onItem?.(item);
    },
  });
  return {
    push: (chunk) => sieve.push(chunk),
    end(incomplete) {
      if (!sieve.isComplete || answer === undefined) throw incomplete();
      return answer;
    },
  };
}

function listPlace(fields: Fields): Place {
  const metadata = placeOf({
    members: { resourceVersion: small, continue: { upTo: 32 * 1024 }, remainingItemCount: small },
  });
  const items: Place = { upTo: 0, items: placeOf(fields) };
  return {
    upTo: 0,
    members: membersOf([
      ['metadata', metadata],
      ['items', items],
    ]),
  };
}

/** Reads the events of a watch. */
export function createEventReader(
  fields: Fields | undefined = wholeObject,
  onEvent: (event: unknown) => void,
): Sieve {
  if ('upTo' in fields)
    return createSieve({ place: placeOf(fields), upTo: fields.upTo, onValue: (event) => onEvent(event) });
  const object: Fields = { ...fields, members: { ...statusFields, ...fields.members } };
  const isOfStatus = (path: string) => {
    const name = lowerAscii(path.split('.', 1)[0] ?? '');
    return Object.hasOwn(statusFields, name) && !Object.hasOwn(fields.members, name);
  };
  return createSieve({
    place: placeOf({ members: { type: small, object } }),
    upTo: objectBytes,
    onValue: (event, tooLarge) => {
      const isStatus = field(event, 'type') === 'ERROR';
      const inside = tooLarge.map(withinObject).filter(({ path }) => isStatus || !isOfStatus(path));
      const read = field(event, 'object');
      if (!isStatus) removeMembers(read, isOfStatus);
      rememberTooLarge(read, inside);
      onEvent(event);
    },
  });
}

/** An editor can add members of a Status to an object where no schema removes them: a watch must read the same of it as a list. */
function removeMembers(object: unknown, isMeant: (name: string) => boolean): void {
  if (typeof object !== 'object' || object === null) return;
  for (const name of Object.keys(object)) if (isMeant(name)) Reflect.deleteProperty(object, name);
}

function withinObject({ path, upTo }: TooLarge): TooLarge {
  return { path: path.replace(/^object\./, ''), upTo };
}
