import { oneLine } from './text.ts';

/** The base address without a trailing slash. `name` is what the address came from: an option, or a variable of the environment. */
export function parseEndpoint(endpoint: string, name: string): string {
  // Variables are often read from files, with the end of the line.
  const text = typeof endpoint === 'string' ? endpoint.trim() : endpoint;
  const problem = problemOf(text);
  if (problem === undefined) return text.replace(/\/+$/, '');
  const expected = 'an http or https address such as http://169.254.169.254';
  throw new TypeError(`${name} must be ${expected}, not ${problem}`);
}

/** What is wrong with the address. It is not quoted: it may hold a password, written in a way that no parser knows. */
function problemOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== 'string') return `a value of type ${typeof endpoint}`;
  if (endpoint.includes('@')) return 'one with a user name or password';
  if (/[?#]/.test(endpoint)) return 'one with a query or a fragment';
  if (/\s/.test(endpoint) || oneLine(endpoint) !== endpoint) return 'one with a blank or a control character';
  return problemOfForm(endpoint);
}

function problemOfForm(endpoint: string): string | undefined {
  if (!/^https?:\/\//i.test(endpoint)) return 'one without http://';
  const [, , authority = '', ...path] = endpoint.split('/');
  // After the brackets of an IPv6 address, if there are some.
  const port = Number(/:([^:\]]*)$/.exec(authority)?.[1] ?? 80);
  if (!(port > 0 && port < 65_536)) return 'one with a bad port';
  // A parser would take the first part of the path for a missing host.
  if (authority === '' || !URL.canParse(endpoint)) return 'one without a valid host';
  // Other paths are kept, as by Azure's SDKs for JavaScript. This one comes from the address of a token in the documentation, which people copy whole.
  const isWhole = path.some((part) => part.toLowerCase() === 'metadata');
  return isWhole ? 'one with the path /metadata' : undefined;
}
