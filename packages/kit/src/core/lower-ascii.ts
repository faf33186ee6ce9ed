/** In lower case, A to Z alone: `toLowerCase` makes a `k` of the Kelvin sign too. For names that are compared without case. */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
