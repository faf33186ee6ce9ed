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
const statusFields: Fields = {
  members: {
    code: small,
    reason: small,
    message: { upTo: 8 * 1024 },
    details: { members: { retryAfterSeconds: small } },
  },
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
  const members = membersOf([
    ['type', placeOf(small)],
    ['object', objectPlace(fields)],
  ]);
  return createSieve({
    place: { upTo: 0, members },
    upTo: objectBytes,
    onValue: (event, tooLarge) => {
      rememberTooLarge(field(event, 'object'), tooLarge.map(withinObject));
      onEvent(event);
    },
  });
}

/** An editor can add members of a Status to an object where no schema removes them: they are read in events of type ERROR alone. */
function objectPlace(fields: Fields): Place {
  const [object, status] = [placeOf(fields), placeOf(statusFields)];
  // The API server writes the type first.
  return { upTo: 0, after: (text) => (text === '{"type":"ERROR"' ? status : object) };
}

function withinObject({ path, ...limit }: TooLarge): TooLarge {
  return { ...limit, path: path.replace(/^object\./, '') };
}
