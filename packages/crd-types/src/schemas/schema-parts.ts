// Common parts of the schemas of the four kinds.

/** A schema in the dialect of CustomResourceDefinitions: a part of OpenAPI 3.0, with Kubernetes' own keywords. */
export interface Schema {
  /** A sentence for people, which `kubectl explain` prints. */
  description?: string;
  /** Of known keys. The API server drops others, unless `x-kubernetes-preserve-unknown-fields` keeps them. */
  properties?: Record<string, Schema>;
  /** Any other keyword, such as `type`, `enum` and `x-kubernetes-preserve-unknown-fields`. */
  [keyword: string]: unknown;
}

/** A column of `kubectl get`. */
export interface Column {
  /** The heading, which kubectl prints in capitals. */
  readonly name: string;
  /** A `date` is printed as the time since then. */
  readonly type: 'string' | 'integer' | 'date';
  /** Where the value is in the object, such as `.spec.pod`: the simple JSONPath of API servers. */
  readonly jsonPath: string;
  /** A sentence for people, which the API server returns with the column. Absent if the name says it all. */
  readonly description?: string;
}

// Unknown keys are kept in everything that users write, so that objects with the spelling of 2018 (ResourceID, Selector, ...) lose
// nothing: the API server silently drops keys that a schema does not name.
export function open(more: Schema = {}): Schema {
  return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, ...more };
}

export function text(description: string, more: Schema = {}): Schema {
  return { type: 'string', description, ...more };
}

/** May be empty. Kubernetes 1.20 validates an empty string as null, and refuses it where null is not allowed. */
export function optionalText(description: string, more: Schema = {}): Schema {
  return text(description, { nullable: true, ...more });
}

export function object(description: string, properties: Record<string, Schema>): Schema {
  return open({ description, properties });
}

export function embedded(description: string): Schema {
  return open({ description, 'x-kubernetes-embedded-resource': true });
}

// The lengths of Kubernetes' own Condition. Bounds are safe only here: the original writes no conditions, and before Kubernetes 1.30 the
// API server refuses every later write of a stored object that exceeds a bound.
function conditionSchema(): Schema {
  return {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text('Ready, or another aspect.', { maxLength: 316 }),
      status: text('Whether it holds.', { enum: ['True', 'False', 'Unknown'] }),
      reason: text('Why, in one word.', { maxLength: 1024 }),
      message: text('Why, for people, and what to do.', { maxLength: 32_768 }),
      lastTransitionTime: text('When status last changed.', { format: 'date-time' }),
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'The metadata.generation that was judged.',
      },
    },
  };
}

export function statusWithConditions(): Schema {
  return {
    type: 'object',
    description: 'Written by MIC.',
    properties: {
      conditions: {
        type: 'array',
        description: 'Ready says whether the object does what it is for.',
        maxItems: 16,
        items: conditionSchema(),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      },
    },
  };
}

export function age(): Column {
  return { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
}

export function readiness(): Column[] {
  return [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  ];
}
