// The outcomes of docs/reference/errors.md: what the entries of one have in common once, and what differs by entry.
import { errorRows, type ErrorRow } from './error-rows.ts';
import { code } from './markdown.ts';

/** A heading for each outcome, what its entries have in common, and an entry for each situation. */
export function outcomeParts(rows: readonly ErrorRow[] = errorRows): readonly string[] {
  return [...Map.groupBy(rows, ({ kind }) => kind)].flatMap(([kind, entries]) => {
    const facts = entries.map(factOf);
    const common = commonOf(facts);
    const list = entries.map((entry, at) => entryOf(entry, facts[at] ?? '', common));
    return [`### ${code(kind)}`, ...(common === undefined ? [] : [`${common}.`]), list.join('\n')];
  });
}

/** Status with Retry-After, and code. */
function factOf({ ours }: ErrorRow): string {
  const { error } = parsed(ours.text);
  return [statusOf(ours), ...(error === '' ? [] : [code(error)])].join(', ');
}

function entryOf({ situation, ours }: ErrorRow, fact: string, common: string | undefined): string {
  const { description } = parsed(ours.text);
  const parts = [fact === common ? '' : fact, description === '' ? '' : code(description)];
  const text = parts.filter((part) => part !== '').join(', ');
  return `- **${upperFirst(situation)}**${text && `: ${text}`}`;
}

/** What two entries or more have, and more entries than anything else. */
function commonOf(facts: readonly string[]): string | undefined {
  const [most] = [...Map.groupBy(facts, (fact) => fact).values()].toSorted(
    (one, other) => other.length - one.length,
  );
  return most !== undefined && most.length > 1 ? most[0] : undefined;
}

function statusOf({ status, retryAfter }: ErrorRow['ours']): string {
  return retryAfter === '' ? String(status) : `${status}, Retry-After ${retryAfter}`;
}

/** The code is what comes before the reason in `error`. */
function parsed(body: string): { readonly error: string; readonly description: string } {
  if (body === '') return { error: '', description: '' };
  const { error, error_description: description } = JSON.parse(body) as Record<string, string>;
  return { error: (error ?? '').split(':', 1).join(''), description: description ?? '' };
}

const upperFirst = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
