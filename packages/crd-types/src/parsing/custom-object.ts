import { respellAs } from './canonical.ts';
import { apiVersion, type Kind } from './group.ts';
import type { ObjectMeta } from './meta.ts';
import { addProblem, isJsonObject, textAt, type Section } from './section.ts';
import { conclude, refuse, type Parsed, type Report } from './problem.ts';
import { quote } from './quote.ts';
import { sizeProblems } from './sizes.ts';

/**
 * Common to the parsers of the four kinds: respells the keys, checks the kind and reads the rest. `apiVersion` and `kind` may be missing,
 * as on the items of some lists; other values are refused.
 */
export function parseAs<T extends { readonly metadata: ObjectMeta }>(
  kind: Kind,
  object: unknown,
  read: (at: Section) => T,
): Parsed<T> {
  if (!isJsonObject(object)) return refuse('', `must be an object of kind ${kind}`);
  const { respelled, warnings, nearMisses } = respellAs(kind, object);
  const tooLarge = sizeProblems(respelled);
  if (tooLarge.length > 0) return { ok: false, problems: tooLarge };
  // In the copies that an AzureAssignedIdentity holds, problems are warnings.
  const isRecord = kind === 'AzureAssignedIdentity';
  const report: Report = {
    problems: isRecord ? [] : nearMisses,
    warnings: isRecord ? [...warnings, ...nearMisses] : warnings,
  };
  const at = { object: respelled as typeof object, path: '', report };
  for (const [key, wanted] of Object.entries({ apiVersion, kind })) {
    const found = textAt(at, key);
    if (found !== undefined && found !== wanted)
      addProblem(at, key, `must be ${wanted}, not ${quote(found)}`);
  }
  const value = read(at);
  if (value.metadata.name === '') addProblem(at, 'metadata.name', 'is missing: every object needs a name');
  return conclude(value, report);
}
