type ReadResource =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly why: 'no-resource' | 'malformed-parameter' };

/** Azure's form of an audience, a URI or a GUID: ASCII without whitespace and control characters. */
const form = /^[\x21-\x7e]+$/;
/** A scope that is not one for Azure either: only `/.default` at the very end is cut off. */
const scope = /\/\.default\/+$/;

/**
 * The rule for the form of a resource: all that it accepts can be asked of the metadata service and of Entra. The length is limited by what reads
 * it: the query of a pod's request, the body of an agent's.
 */
export function readResource(given = ''): ReadResource {
  const value = withoutScope(given);
  if (value.trim() === '') return { ok: false, why: 'no-resource' };
  return form.test(value) && !scope.test(value)
    ? { ok: true, value }
    : { ok: false, why: 'malformed-parameter' };
}

/** The resource without `/.default` at its end, any number of times: users of OAuth scopes write it. */
export function withoutScope(resource: string): string {
  // The look-behind gives each run of scopes one start: without it the time is quadratic in what a pod may write.
  return resource.replace(/(?<!\/\.default)(\/\.default)+$/, '');
}
