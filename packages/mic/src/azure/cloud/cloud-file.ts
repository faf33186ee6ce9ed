import type { Parsed } from '@pod-identity/crd-types';
import { lowerAscii } from '@pod-identity/kit/core';

/** The flat settings of azure.json: keys in lower case (the original ignores case), values as text, none empty. */
export type CloudFile = ReadonlyMap<string, string>;

/**
 * Reads azure.json: JSON, or a subset of YAML: one `key: value` in a line, quotes, comments and `---`. Nested values, for other programs,
 * are skipped: MIC's keys are flat.
 */
export function parseCloudFile(text: string): Parsed<CloudFile> {
  return /^\s*\{/.test(text) ? parseJson(text) : parseFlatYaml(text);
}

export function cloudFile(entries: Iterable<readonly [string, string | undefined]>): CloudFile {
  const settings = new Map<string, string>();
  for (const [key, value = ''] of entries)
    if (value.trim() !== '') settings.set(lowerAscii(key), value.trim());
  return settings;
}

function parseJson(text: string): Parsed<CloudFile> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may contain a secret.
    return refuse('is not valid JSON; check for a trailing comma or a missing quote');
  }
  const entries: [string, string][] = [];
  for (const [key, entry] of Object.entries(value as Record<string, unknown>)) {
    if (typeof entry === 'string' || typeof entry === 'boolean' || typeof entry === 'number') {
      entries.push([key, String(entry)]);
    }
  }
  return { ok: true, value: cloudFile(entries), warnings: [] };
}

function parseFlatYaml(text: string): Parsed<CloudFile> {
  const entries: [string, string][] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^(\s|-|#|%|\.\.\.|$)/.test(line)) continue;
    const match = /^(?:"([^"]+)"|'([^']+)'|([^\s:'"]+))\s*:(?:\s+(.*))?$/.exec(line);
    if (match === null) return refuse(`line ${index + 1} is neither JSON nor \`key: value\``);
    const key = match[1] ?? match[2] ?? match[3] ?? '';
    entries.push([key, scalar(match[4] ?? '')]);
  }
  return { ok: true, value: cloudFile(entries), warnings: [] };
}

function scalar(written: string): string {
  const text = written.trim();
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'((?:[^']|'')*)'/.exec(text);
  if (quoted?.[1] !== undefined) return quoted[1].replaceAll(/\\(["\\/])/g, '$1');
  if (quoted?.[2] !== undefined) return quoted[2].replaceAll("''", "'");
  const plain = text.replace(/(^|\s)#.*$/, '').trim();
  return plain === '~' || plain === 'null' ? '' : plain;
}

function refuse(message: string): Parsed<CloudFile> {
  return { ok: false, problems: [{ path: 'cloudconfig', message }] };
}
