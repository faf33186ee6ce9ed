/** Returns the same string object for equal strings, so that many objects share common texts. */
export type Intern = (text: string) => string;

/**
 * Interned strings are not freed one by one: beyond this number, or this many characters, the interner starts empty again, which only
 * reduces sharing.
 */
const capacity = { strings: 200_000, characters: 16_000_000 };

/** Longer texts are not interned: they are hardly ever shared, and repeated edits of one object would fill the interner. */
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
