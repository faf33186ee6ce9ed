import type { ImdsError } from './errors.ts';
import { isObject, type JsonObject } from './objects.ts';
import {
  parseObject,
  readRefusal,
  readText,
  requestIdOf,
  unreadable,
  why,
  withoutUndefined,
  type Answer,
  type Circumstances,
} from './response.ts';
import type { InstanceCompute, InstanceMetadata, InstanceText } from './types.ts';

/** The version that has tagsList and resourceId. */
export const instancePath = '/metadata/instance?api-version=2021-02-01';

/** Custom data and user data of a machine are part of it, up to 64 KiB each in base64. */
export const longestInstance = 256 * 1024;

const texts =
  'azEnvironment location name osType resourceGroupName resourceId subscriptionId vmId vmScaleSetName vmSize zone'.split(
    ' ',
  ) as InstanceText[];

/** The document of the endpoint's response, or why there is none. */
export function readInstance(answer: Answer, at: Omit<Circumstances, 'asked'>): InstanceMetadata | ImdsError {
  const document = parseObject(answer.body);
  if (answer.status !== 200) return readRefusal(answer, document, at);
  const compute = document?.['compute'];
  if (document === undefined || !isObject(compute) || Array.isArray(compute)) {
    return unreadable(`without the metadata of an instance${why(answer)}`, {
      requestId: requestIdOf(answer, document),
    });
  }
  return { compute: readCompute(compute), document };
}

function readCompute(compute: JsonObject): InstanceCompute {
  const fields = Object.fromEntries(texts.map((name) => [name, readText(compute[name])]));
  return { ...withoutUndefined(fields), tags: readTags(compute['tagsList']) };
}

/** A Map: a tag may be called `__proto__`. */
function readTags(list: unknown): ReadonlyMap<string, string> {
  const entries: unknown[] = Array.isArray(list) ? list : [];
  return new Map(
    entries.flatMap((entry) => {
      const { name, value } = isObject(entry) ? entry : {};
      return typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [];
    }),
  );
}
