/** In lower case, A to Z alone: `toLowerCase` makes a `k` of the Kelvin sign too, which no release took for one. */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
