import { ImdsError } from './errors.ts';
import {
  parseObject,
  readRefusal,
  readText,
  requestIdOf,
  type Answer,
  type Circumstances,
  type JsonObject,
} from './response.ts';
import type { InstanceCompute, InstanceMetadata } from './types.ts';

/** The version that has tagsList and resourceId. */
export const instancePath = '/metadata/instance?api-version=2021-02-01';

/** Custom data and user data of a machine are part of it, up to 64 KiB each in base64. */
export const longestInstance = 256 * 1024;

const texts = [
  'azEnvironment',
  'location',
  'name',
  'osType',
  'resourceGroupName',
  'resourceId',
  'subscriptionId',
  'vmId',
  'vmScaleSetName',
  'vmSize',
  'zone',
] as const;

/** The document of the endpoint's response, or why there is none. */
export function readInstance(answer: Answer, at: Omit<Circumstances, 'asked'>): InstanceMetadata | ImdsError {
  const document = parseObject(answer.body);
  if (answer.status !== 200) return readRefusal(answer, document, at);
  const compute = objectOf(document?.['compute']);
  if (document === undefined || compute === undefined) {
    const reason = 'the endpoint answered 200 without the metadata of an instance';
    const requestId = requestIdOf(answer, document);
    return new ImdsError('invalid-response', reason, { status: 200, requestId });
  }
  return { compute: readCompute(compute), document };
}

function readCompute(compute: JsonObject): InstanceCompute {
  const fields = texts.flatMap((name) => {
    const text = readText(compute[name]);
    return text === undefined ? [] : [[name, text] as const];
  });
  return { ...Object.fromEntries(fields), tags: readTags(compute['tagsList']) };
}

/** A Map: a tag may be called `__proto__`. */
function readTags(list: unknown): ReadonlyMap<string, string> {
  const entries: unknown[] = Array.isArray(list) ? list : [];
  return new Map(
    entries.flatMap((entry) => {
      const { name, value } = objectOf(entry) ?? {};
      return typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [];
    }),
  );
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}
