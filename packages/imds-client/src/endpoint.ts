/**
 * What is wrong with the form of an endpoint. It is not quoted: it may hold a password that is written in a way that no parser
 * knows.
 */
export function problemOfForm(endpoint: string): string | undefined {
  if (!/^https?:\/\//i.test(endpoint)) return 'one without http://';
  const [, , authority = '', ...path] = endpoint.split('/');
  // After the brackets of an IPv6 address, if there are some.
  const port = Number(/:([^:\]]*)$/.exec(authority)?.[1] ?? 80);
  if (!(port > 0 && port < 65_536)) return 'one with a bad port';
  // A parser would take the first part of the path for a missing host.
  if (authority === '' || !URL.canParse(endpoint)) return 'one without a valid host';
  // People copy the whole address of a token from the documentation.
  const isWhole = path.some((part) => part.toLowerCase() === 'metadata');
  return isWhole ? 'one with the path /metadata' : undefined;
}
