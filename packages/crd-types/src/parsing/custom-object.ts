import { attempt } from './attempt.ts';
import { canonicaliseAs, givenPaths } from './canonical.ts';
import { apiVersion, type Kind } from './group.ts';
import type { ObjectMeta } from './meta.ts';
import { conclude, createReport, refuse, type Parsed } from './problem.ts';
import { quote } from './quote.ts';
import { createSection, isJsonObject, type Section } from './section.ts';
import { sizeProblems } from './sizes.ts';
import { segmentsOf, withStandard, type Parser } from './standard-schema.ts';

/**
 * Common to the parsers of the four kinds: respells the keys, checks the kind and reads the rest. `apiVersion` and `kind` may be missing,
 * as on the items of some lists; other values are refused.
 */
export function objectParser<T extends { readonly metadata: ObjectMeta }>(
  kind: Kind,
  read: (section: Section) => T,
): Parser<T> {
  // A Proxy or a getter may throw at any read.
  const parse = (object: unknown) =>
    attempt(
      () => parsePlain(kind, object, read),
      () => refuse('', 'cannot be read: give a plain object, as JSON.parse returns it'),
    );
  return withStandard(parse, (object) => pathsIn(kind, object));
}

/** Finds the place of a problem in the object that was given, whose keys may be in another case than those of the path. */
function pathsIn(kind: Kind, object: unknown): (path: string) => (string | number)[] {
  return attempt<(path: string) => (string | number)[]>(
    () => {
      const canonical = canonicaliseAs(kind, object).object;
      const given = givenPaths(kind, object);
      return (path) =>
        attempt(
          () => given(segmentsOf(path, canonical)),
          () => [path],
        );
    },
    // A problem of the whole value.
    () => () => [],
  );
}

function parsePlain<T extends { readonly metadata: ObjectMeta }>(
  kind: Kind,
  object: unknown,
  read: (section: Section) => T,
): Parsed<T> {
  if (!isJsonObject(object)) return refuse('', `must be an object of kind ${kind}`);
  const canonical = canonicaliseAs(kind, object);
  const tooLarge = sizeProblems(kind, canonical.object);
  if (tooLarge.length > 0) return { ok: false, problems: tooLarge };
  const report = createReport();
  report.warnings.push(...canonical.warnings);
  // In the copies that an AzureAssignedIdentity holds, problems are warnings.
  const isRecord = kind === 'AzureAssignedIdentity';
  (isRecord ? report.warnings : report.problems).push(...canonical.lookAlikes);
  const section = createSection(canonical.object, '', report);
  expect(section, 'apiVersion', apiVersion);
  expect(section, 'kind', kind);
  const value = read(section);
  if (value.metadata.name === '') section.problem('metadata.name', 'is missing: every object needs a name');
  return conclude(value, report);
}

function expect(section: Section, key: string, wanted: string): void {
  const found = section.string(key);
  if (found !== undefined && found !== wanted) section.problem(key, `must be ${wanted}, not ${quote(found)}`);
}
