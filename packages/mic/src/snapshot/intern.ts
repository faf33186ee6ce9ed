/** Returns one and the same string for equal strings: a hundred thousand objects then share what they have in common. */
export type Intern = (text: string) => string;

/**
 * What an interner holds is never freed one by one; past this many, or this many characters, it starts afresh, which only
 * costs some sharing.
 */
const capacity = { strings: 200_000, characters: 16_000_000 };

/** Longer ones are hardly ever shared, and whoever edits one object again and again would fill the interner with them. */
const longest = 4_096;

export function createIntern(known = new Map<string, string>()): Intern {
  let characters = 0;
  return (text) => {
    const shared = known.get(text);
    if (shared !== undefined) return shared;
    if (text.length > longest) return text;
    characters += text.length;
    if (known.size >= capacity.strings || characters > capacity.characters) {
      known.clear();
      characters = text.length;
    }
    known.set(text, text);
    return text;
  };
}
