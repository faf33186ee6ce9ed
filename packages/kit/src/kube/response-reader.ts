import type { KubeError } from './errors.ts';
import { rememberTooLarge, wholeObject, type Fields, type TooLarge } from './fields.ts';
import { field } from './object.ts';
import { membersOf, fieldRuleOf, type FieldRule } from './field-rule.ts';
import { Sieve } from './sieve.ts';
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
export function createResponseReader({ fields = wholeObject, onItem }: Options): {
  push(chunk: Buffer): void;
  /** The value; throws the error of `incomplete` if it has not ended. */
  end(incomplete: () => KubeError): unknown;
} {
  let response: unknown;
  const sieve = new Sieve({
    rule: onItem ? listRule(fields) : fieldRuleOf(fields),
    upTo: 'upTo' in fields ? fields.upTo : objectBytes,
    onValue: (value, tooLarge) => {
      response = value;
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
      if (!sieve.isComplete || response === undefined) throw incomplete();
      return response;
    },
  };
}

function listRule(fields: Fields): FieldRule {
  const metadata = fieldRuleOf({
    members: { resourceVersion: small, continue: { upTo: 32 * 1024 }, remainingItemCount: small },
  });
  const items: FieldRule = { upTo: 0, items: fieldRuleOf(fields) };
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
    return new Sieve({ rule: fieldRuleOf(fields), upTo: fields.upTo, onValue: (event) => onEvent(event) });
  const members = membersOf([
    ['type', fieldRuleOf(small)],
    ['object', objectRule(fields)],
  ]);
  return new Sieve({
    rule: { upTo: 0, members },
    upTo: objectBytes,
    onValue: (event, tooLarge) => {
      rememberTooLarge(field(event, 'object'), tooLarge.map(withinObject));
      onEvent(event);
    },
  });
}

/** An editor can add members of a Status to an object where no schema removes them: they are read in events of type ERROR alone. */
function objectRule(fields: Fields): FieldRule {
  const [object, status] = [fieldRuleOf(fields), fieldRuleOf(statusFields)];
  // The API server writes the type first.
  return { upTo: 0, after: (text) => (text === '{"type":"ERROR"' ? status : object) };
}

function withinObject({ path, ...limit }: TooLarge): TooLarge {
  return { ...limit, path: path.replace(/^object\./, '') };
}
