import type { Json } from './object.ts';

/** The Status object of an error or a deletion: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const codes = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
  Timeout: 504,
} as const;

export type Reason = keyof typeof codes;

export interface Cause {
  readonly reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'ResourceVersionTooLarge';
  readonly message: string;
  readonly field?: string;
}

export interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

/** An error of the API server, which is turned into a response in one place. */
export class StatusError extends Error {
  readonly reason: Reason;
  readonly details: Details | undefined;

  constructor(reason: Reason, message: string, details?: Details) {
    super(message);
    this.name = 'StatusError';
    this.reason = reason;
    this.details = details;
  }

  get code(): number {
    return codes[this.reason];
  }

  body(): Json {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      // The real server sends no reason with an internal error.
      ...(this.reason === 'InternalError' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** The details of a resource in a message. */
export interface ResourceName {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
}

const dotted = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);

/** `azureidentities.aadpodidentity.k8s.io`, `pods` */
export const resourceId = ({ plural, group }: Pick<ResourceName, 'plural' | 'group'>): string =>
  dotted(plural, group);

const about = ({ plural, group }: ResourceName, name: string): Details => ({
  name,
  ...(group === '' ? {} : { group }),
  kind: plural,
});

export const notFound = (type: ResourceName, name: string): StatusError =>
  new StatusError('NotFound', `${resourceId(type)} "${name}" not found`, about(type, name));

export const noSuchResource = (): StatusError =>
  new StatusError('NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (type: ResourceName, name: string): StatusError =>
  new StatusError('AlreadyExists', `${resourceId(type)} "${name}" already exists`, about(type, name));

export const modified =
  'the object has been modified; please apply your changes to the latest version and try again';

export const conflict = (type: ResourceName, name: string, why: string): StatusError =>
  new StatusError(
    'Conflict',
    `Operation cannot be fulfilled on ${resourceId(type)} "${name}": ${why}`,
    about(type, name),
  );

export const badRequest = (message: string): StatusError => new StatusError('BadRequest', message);

export const expired = (message: string): StatusError => new StatusError('Expired', message);

export const forbidden = (type: ResourceName, name: string, why: string): StatusError =>
  new StatusError('Forbidden', `${resourceId(type)} "${name}" is forbidden: ${why}`, about(type, name));

export function invalid(type: ResourceName, name: string, causes: readonly Cause[]): StatusError {
  const texts = causes.map((cause) => `${cause.field ?? ''}: ${cause.message}`);
  const [only = ''] = texts;
  const { group, kind } = type;
  return new StatusError(
    'Invalid',
    `${dotted(kind, group)} "${name}" is invalid: ${texts.length === 1 ? only : `[${texts.join(', ')}]`}`,
    { name, ...(group === '' ? {} : { group }), kind, causes },
  );
}

/** The response to a complete deletion. */
export const success = (type: ResourceName, name: string, uid: string): Json => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { ...about(type, name), uid },
});
