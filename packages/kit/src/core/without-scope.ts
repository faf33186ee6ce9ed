/** The resource without `/.default` at its end, any number of times: users of OAuth scopes write it. */
export function withoutScope(resource: string): string {
  // The look-behind gives each run of scopes one start: without it the time is quadratic in what a pod may write.
  return resource.replace(/(?<!\/\.default)(\/\.default)+$/, '');
}
