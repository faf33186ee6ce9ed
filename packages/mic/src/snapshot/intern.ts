/** Answers equal strings with one and the same string: a hundred thousand objects then share what they have in common. */
export type Intern = (text: string) => string;

/** What an interner holds is never freed one by one; past this many it starts afresh, which only costs some sharing. */
const capacity = 200_000;

export function createIntern(): Intern {
  const known = new Map<string, string>();
  return (text) => {
    const shared = known.get(text);
    if (shared !== undefined) return shared;
    if (known.size >= capacity) known.clear();
    known.set(text, text);
    return text;
  };
}
