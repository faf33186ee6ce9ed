import { KubeError } from './errors.ts';

/** The key whose bytes in UTF-8 these characters are. */
export function decoded(key: string): string {
  const text = /[\u0080-\u00ff]/.test(key) ? Buffer.from(key, 'latin1').toString() : key;
  return text.includes('\\') ? unescaped(text) : text;
}

export function unescaped(key: string): string {
  const name: unknown = parse(`"${key}"`);
  return typeof name === 'string' ? name : '';
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

export function notJson(cause?: unknown): KubeError {
  return new KubeError('transport', 'the answer of the API server is not JSON', { cause });
}
