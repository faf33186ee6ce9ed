import { parseAzureIdentity, type AzureIdentity } from './azure-identity.ts';
import { parseAzureIdentityBinding, type AzureIdentityBinding } from './azure-identity-binding.ts';
import {
  parseAzurePodIdentityException,
  type AzurePodIdentityException,
} from './azure-pod-identity-exception.ts';
import type { Parsed } from './problem.ts';

const mostTold = 5;

/**
 * The warnings about an object that was parsed, as MIC and NMI show them: each with its path, at most five, and how many more there are.
 * Those about old spellings are not among them, since parsed objects have none.
 *
 * @example
 * ```ts
 * const found = tellWarnings({ ...identity, spec: { ...identity.spec, clientID: 'web' } });
 * for (const text of found) console.warn(text); // spec.clientID is "web", which is no GUID: …
 * ```
 */
export function tellWarnings(
  object: AzureIdentity | AzureIdentityBinding | AzurePodIdentityException,
): readonly string[] {
  const parsed = parseAgain(object);
  const texts = parsed.ok ? parsed.warnings.map(({ path, message }) => `${path} ${message}`.trim()) : [];
  if (texts.length <= mostTold) return texts;
  return [...texts.slice(0, mostTold), `and ${texts.length - mostTold} more`];
}

function parseAgain(
  object: AzureIdentity | AzureIdentityBinding | AzurePodIdentityException,
): Parsed<unknown> {
  switch (object.kind) {
    case 'AzureIdentity':
      return parseAzureIdentity(object);
    case 'AzureIdentityBinding':
      return parseAzureIdentityBinding(object);
    case 'AzurePodIdentityException':
      return parseAzurePodIdentityException(object);
  }
}
