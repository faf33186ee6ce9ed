// Abbreviations of computing in general, words of other projects' names, and texts in capitals that are not abbreviations.
const known = new Set(
  'AES API AppArmor ARP ASCII ASN AWS CI CLOUD CONTRIBUTING DNS ES GET GUID HEAD HTTP HTTPS IOV IP JS JSON JavaScript KB LIST MAC MB MIT NAME NAMESPACE NET OUTPUT PEM PKCS POST PUT RFC RSA SETUID SIGTERM SR TLS TypeScript UDP TCP URL US UTC VALUE YAML'.split(
    ' ',
  ),
);

/** The terms: text in bold or code style in the glossary. */
export function glossaryTerms(glossary: string): ReadonlySet<string> {
  return new Set(
    [...glossary.matchAll(/\*\*([^*]+)\*\*|`([^`]+)`/g)].map(([, bold, code]) => bold ?? code ?? ''),
  );
}

/** The abbreviations and kinds in a page that have no entry, each once. Code and targets of links are ignored. */
export function termsWithoutEntry(markdown: string, terms: ReadonlySet<string>): string[] {
  const text = markdown
    .replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/\bW-[A-Z0-9]+/g, '');
  const used = text.match(/\b(?:[A-Z]{2,}s?|[A-Z][a-z]+(?:[A-Z][a-z]+)+)\b/g) ?? [];
  const singular = used.map((word) => word.replace(/ies$/, 'y').replace(/s$/, ''));
  const isKnown = (word: string, at: number) =>
    [word, used[at] ?? ''].some((one) => terms.has(one) || known.has(one));
  return [...new Set(singular.filter((word, at) => !isKnown(word, at)))];
}
