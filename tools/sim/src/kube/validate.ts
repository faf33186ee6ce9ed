import { isRecord, type Json } from './object.ts';
import type { Schema } from './schema.ts';
import type { Cause } from './status.ts';

type Check = (schema: Schema, value: unknown, field: string) => readonly Cause[];

const refuse = (field: string, message: string): readonly Cause[] => [
  { reason: 'FieldValueInvalid', field, message },
];
const shown = (value: unknown): string => JSON.stringify(value);
const inBody = (field: string): string => `${field} in body`;
const bad = (field: string, value: unknown, rule: string): readonly Cause[] =>
  refuse(field, `Invalid value: ${shown(value)}: ${inBody(field)} ${rule}`);

/**
 * Whether a value obeys a structural schema: types, enumerations, patterns, bounds, required fields.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */
export const validate: Check = (schema, value, field) => {
  if (value === null && schema.nullable) return [];
  const wrongType = checkType(schema, value, field);
  if (wrongType.length > 0) return wrongType;
  return [checkEnum, checkText, checkNumber, checkList, checkRecord, checkCombined, checkEmbedded].flatMap(
    (check) => check(schema, value, field),
  );
};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const checkType: Check = (schema, value, field) => {
  const actual = typeOf(value);
  if (schema['x-kubernetes-int-or-string']) {
    return actual === 'integer' || actual === 'string' ? [] : mistyped(field, 'integer,string', actual);
  }
  const { type } = schema;
  const fits = type === undefined || type === actual || (type === 'number' && actual === 'integer');
  return fits ? [] : mistyped(field, type, actual);
};

const mistyped = (field: string, wanted: string, actual: string): readonly Cause[] =>
  refuse(
    field,
    `Invalid value: ${shown(actual)}: ${inBody(field)} must be of type ${wanted}: ${shown(actual)}`,
  );

const checkEnum: Check = ({ enum: allowed }, value, field) => {
  if (!allowed || allowed.some((item) => shown(item) === shown(value))) return [];
  const message = `Unsupported value: ${shown(value)}: supported values: ${allowed.map((item) => `"${String(item)}"`).join(', ')}`;
  return [{ reason: 'FieldValueNotSupported', field, message }];
};

const checkText: Check = (schema, value, field) => {
  if (typeof value !== 'string') return [];
  const { pattern, minLength = 0, maxLength = Infinity, format } = schema;
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
    return bad(field, value, `should match '${pattern}'`);
  }
  if (value.length < minLength) return bad(field, value, `should be at least ${minLength} chars long`);
  if (value.length > maxLength) return refuse(field, `Too long: may not be longer than ${maxLength}`);
  const isMistimed = format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value);
  return isMistimed ? bad(field, value, 'must be of type date-time') : [];
};

const bounds: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

const checkNumber: Check = (schema, value, field) => {
  if (typeof value !== 'number') return [];
  const [low, high] = bounds[schema.format ?? ''] ?? [-Infinity, Infinity];
  const { minimum = low, maximum = high } = schema;
  if (value < minimum) return bad(field, value, `should be greater than or equal to ${minimum}`);
  return value > maximum ? bad(field, value, `should be less than or equal to ${maximum}`) : [];
};

const checkList: Check = (schema, value, field) => {
  if (!Array.isArray(value)) return [];
  const { items, minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems) return bad(field, value.length, `should have at least ${minItems} items`);
  if (value.length > maxItems)
    return refuse(field, `Too many: ${value.length}: must have at most ${maxItems} items`);
  return items ? value.flatMap((item, i) => validate(items, item, `${field}[${i}]`)) : [];
};

const checkRecord: Check = (schema, value, field) => {
  if (!isRecord(value)) return [];
  const { required = [], minProperties = 0, maxProperties = Infinity } = schema;
  const size = Object.keys(value).length;
  return [
    ...required.filter((key) => value[key] === undefined).flatMap((key) => missing(join(field, key))),
    ...(size < minProperties ? bad(field, size, `should have at least ${minProperties} properties`) : []),
    ...(size > maxProperties
      ? refuse(field, `Too many: ${size}: must have at most ${maxProperties} items`)
      : []),
    ...Object.entries(value).flatMap(([key, inner]) =>
      checkField({ schema, key, inner, field: join(field, key) }),
    ),
  ];
};

const join = (field: string, key: string): string => (field === '' ? key : `${field}.${key}`);
const missing = (field: string): readonly Cause[] => [
  { reason: 'FieldValueRequired', field, message: 'Required value' },
];

function checkField(of: { schema: Schema; key: string; inner: unknown; field: string }): readonly Cause[] {
  const { properties, additionalProperties } = of.schema;
  const known =
    properties?.[of.key] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  return known ? validate(known, of.inner, of.field) : [];
}

const checkCombined: Check = (schema, value, field) => {
  const obeyed = (rules: readonly Schema[] = []) =>
    rules.filter((rule) => validate(rule, value, field).length === 0);
  const { anyOf, oneOf, allOf = [], not } = schema;
  return [
    ...allOf.flatMap((rule) => validate(rule, value, field)),
    ...(anyOf && obeyed(anyOf).length === 0
      ? bad(field, value, 'must validate at least one schema (anyOf)')
      : []),
    ...(oneOf && obeyed(oneOf).length !== 1
      ? bad(field, value, 'must validate one and only one schema (oneOf)')
      : []),
    ...(not && obeyed([not]).length === 1 ? bad(field, value, 'must not validate the schema (not)') : []),
  ];
};

const checkEmbedded: Check = (schema, value, field) => {
  if (!schema['x-kubernetes-embedded-resource'] || !isRecord(value)) return [];
  return ['apiVersion', 'kind']
    .filter((key) => isBlank(value, key))
    .flatMap((key) => missing(join(field, key)));
};

const isBlank = (record: Json, key: string): boolean => record[key] === undefined || record[key] === '';
