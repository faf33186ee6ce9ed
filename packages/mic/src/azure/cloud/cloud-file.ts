import type { Parsed } from '@pod-identity/crd-types';
import { lowerAscii } from '@pod-identity/kit/core';

/** The flat settings of azure.json: keys in lower case (the original ignores case), values as text, none empty. */
export type CloudFile = ReadonlyMap<string, string>;

export function cloudFile(entries: Iterable<readonly [string, string | undefined]>): CloudFile {
  const settings = new Map<string, string>();
  for (const [key, value = ''] of entries)
    if (value.trim() !== '') settings.set(lowerAscii(key), value.trim());
  return settings;
}

/** Reads azure.json. Nested values, for other programs, are skipped: MIC's keys are flat. */
export function parseCloudFile(text: string): Parsed<CloudFile> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may contain a secret.
    return refuse('is not valid JSON; check for a trailing comma or a missing quote');
  }
  if (typeof value !== 'object' || value === null) return refuse('is not a JSON object');
  const entries: [string, string][] = [];
  for (const [key, entry] of Object.entries(value) as [string, unknown][]) {
    if (typeof entry === 'string' || typeof entry === 'boolean' || typeof entry === 'number') {
      entries.push([key, String(entry)]);
    }
  }
  return { ok: true, value: cloudFile(entries), warnings: [] };
}

function refuse(message: string): Parsed<CloudFile> {
  return { ok: false, problems: [{ path: 'cloudconfig', message }] };
}
