import type { KubeError } from './errors.ts';
import { pick, wholeObject, type Fields } from './fields.ts';
import { JsonItems } from './json-items.ts';
import { field } from './object.ts';
import type { KubeRequest } from './transport.ts';

type Options = Pick<KubeRequest, 'fields' | 'onItem'>;

/** Reads a response that is one JSON value: an object, or a list whose items go to `onItem`. */
export function createResponseReader({ fields = wholeObject, onItem }: Options): {
  push(chunk: Buffer): void;
  /** The value; throws the error of `incomplete` if it has not ended. */
  end(incomplete: () => KubeError): unknown;
} {
  const items = new JsonItems({ onItem: onItem && ((item) => onItem(pick(item, fields))) });
  return {
    push: (chunk) => items.push(chunk),
    end(incomplete) {
      const rest = items.end();
      if (rest === undefined) throw incomplete();
      return onItem ? rest : pick(rest, fields);
    },
  };
}

/** Reads the events of a watch. The object of one of type ERROR is a Status. */
export function createEventReader(
  fields: Fields | undefined = wholeObject,
  onEvent: (event: unknown) => void,
): Pick<JsonItems, 'push'> {
  return new JsonItems({
    isStream: true,
    onItem(event) {
      const isError = field(event, 'type') === 'ERROR';
      const object = pick(field(event, 'object'), isError ? wholeObject : fields);
      onEvent({ ...(event as object), object });
    },
  });
}
