import { parseAzureIdentity, type AzureIdentity } from './azure-identity.ts';
import { parseAzureIdentityBinding, type AzureIdentityBinding } from './azure-identity-binding.ts';
import {
  parseAzurePodIdentityException,
  type AzurePodIdentityException,
} from './azure-pod-identity-exception.ts';
import type { Parsed, Problem } from '../parsing/problem.ts';

const mostWarnings = 5;
const mostProblems = 10;
/** Paths contain keys that an author can make long. */
const longestPath = 200;

/**
 * The warnings about an object that was parsed, as MIC and NMI show them: each with its path, at most five, and how many more there are.
 * Those about old spellings are not among them, since parsed objects have none. Parses the object again: to keep the texts of all
 * objects would take more memory than the objects.
 */
export function warningTexts(
  object: AzureIdentity | AzureIdentityBinding | AzurePodIdentityException,
): readonly string[] {
  const parsed: Parsed<unknown> = parsers[object.kind](object);
  return parsed.ok ? textsOf(parsed.warnings, mostWarnings) : [];
}

/**
 * The problems of an object, as MIC and NMI show them: each with its path, at most ten, and how many more there are. Paths of more than
 * 200 characters are shortened.
 */
export function problemTexts(problems: readonly Problem[]): readonly string[] {
  return textsOf(problems, mostProblems);
}

function textsOf(list: readonly Problem[], most: number): readonly string[] {
  const texts = list.slice(0, most).map(({ path, message }) => `${shortened(path)} ${message}`.trim());
  const more = list.length - texts.length;
  return more === 0 ? texts : [...texts, `and ${more} more`];
}

function shortened(path: string): string {
  if (path.length <= longestPath) return path;
  // Half of a pair of surrogates is no character.
  return `${path.slice(0, longestPath).replace(/[\ud800-\udbff]$/, '')}...`;
}

const parsers = {
  AzureIdentity: parseAzureIdentity,
  AzureIdentityBinding: parseAzureIdentityBinding,
  AzurePodIdentityException: parseAzurePodIdentityException,
};
