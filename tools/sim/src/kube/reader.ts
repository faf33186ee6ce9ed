import type { HttpRequest, HttpResponse } from '../http/server.ts';
import type { Json } from './object.ts';
import type { Page } from './pages.ts';
import { wholeText } from './record.ts';
import { apiVersionOf, idOf, type ResourceType } from './resources.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { badRequest, expired, StatusError } from './status.ts';
import type { Storage } from './storage.ts';
import type { Stored } from './stored.ts';
import { tableOf } from './table.ts';
import type { Watches } from './watch.ts';

/** The requested objects. */
export interface Scope {
  readonly type: ResourceType;
  /** '' for all. */
  readonly namespace: string;
  /** '' for all. */
  readonly name: string;
}

/** Reads: get, list and watch. */
export interface Reader {
  one(type: ResourceType, stored: Stored, request: HttpRequest): string;
  list(scope: Scope, request: HttpRequest): HttpResponse;
  listText(type: ResourceType, page: Page): string;
  select(scope: Scope, query: URLSearchParams): readonly Stored[];
  watch(scope: Scope, request: HttpRequest): HttpResponse;
}

const json = { 'content-type': 'application/json' };

function matcher({ type, namespace, name }: Scope, query: URLSearchParams): (stored: Stored) => boolean {
  const supported = new Set([
    'metadata.name',
    ...(type.namespaced ? ['metadata.namespace'] : []),
    ...type.selectable,
  ]);
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', supported);
  return (stored) =>
    (namespace === '' || stored.namespace === namespace) &&
    (name === '' || stored.name === name) &&
    labels(stored.labels) &&
    fields(stored.fields);
}

function numberOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key) ?? '';
  if (text === '') return undefined;
  if (!/^\d+$/.test(text))
    throw badRequest(`${key}: Invalid value: ${JSON.stringify(text)}: must be a number`);
  return Number(text);
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions */
function checkListVersion(query: URLSearchParams, current: number): void {
  const wanted = numberOf(query, 'resourceVersion');
  const match = query.get('resourceVersionMatch') ?? '';
  if (match !== '' && wanted === undefined) {
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (wanted === undefined || wanted === 0) return;
  if (query.has('continue')) {
    throw badRequest('resourceVersion is not allowed when using continue');
  }
  if (wanted > current) {
    const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
    const causes = [{ reason: 'ResourceVersionTooLarge' as const, message: 'Too large resource version' }];
    throw new StatusError('Timeout', message, { causes, retryAfterSeconds: 1 });
  }
  // Lists of old versions are not kept.
  if (match === 'Exact' && wanted !== current)
    throw expired('The resourceVersion for the provided list is too old.');
}

const wantsTable = ({ headers }: HttpRequest): boolean =>
  /as=Table[^,]*;v=v1\b|;v=v1;[^,]*as=Table/.test((headers['accept'] ?? '').replaceAll(' ', ''));

function includeOf(query: URLSearchParams): 'None' | 'Metadata' | 'Object' {
  const include = query.get('includeObject');
  return include === 'None' || include === 'Object' ? include : 'Metadata';
}

interface Ports {
  readonly storage: Storage;
  readonly watches: Watches;
  readonly now: () => number;
}

function listText(type: ResourceType, page: Page): string {
  const kind = `"kind":"${type.listKind}","apiVersion":"${apiVersionOf(type)}"`;
  // Items of built-in lists have no kind and apiVersion.
  const items = page.items.map((stored) => (type.builtIn ? stored.text : wholeText(type, stored)));
  return `{${kind},"metadata":${JSON.stringify(listMetadata(page))},"items":[${items.join(',')}]}`;
}

function listMetadata({ version, continue: token, remaining }: Page): Json {
  const rest = token === undefined ? {} : { continue: token, remainingItemCount: remaining };
  return { resourceVersion: String(version), ...rest };
}

interface Shown {
  readonly type: ResourceType;
  readonly items: readonly Stored[];
  readonly metadata?: Json;
}

function tableText(shown: Shown, query: URLSearchParams, now: number): string {
  return JSON.stringify(tableOf({ metadata: {}, ...shown, include: includeOf(query), now }));
}

function list({ storage, now }: Ports, scope: Scope, request: HttpRequest): HttpResponse {
  const { query } = request;
  const { type, namespace } = scope;
  checkListVersion(query, storage.version);
  const limit = numberOf(query, 'limit');
  const token = query.get('continue') ?? '';
  const page = storage.page(idOf(type), {
    ...(namespace === '' ? {} : { namespace }),
    ...(limit ? { limit } : {}),
    ...(token === '' ? {} : { continue: token }),
    matches: matcher(scope, query),
  });
  const shown = { type, items: page.items, metadata: listMetadata(page) };
  const body = wantsTable(request) ? tableText(shown, query, now()) : listText(type, page);
  return { status: 200, headers: json, body };
}

function watch({ watches, now }: Ports, scope: Scope, request: HttpRequest): HttpResponse {
  const { query, signal } = request;
  const { type } = scope;
  const since = numberOf(query, 'resourceVersion') ?? 0;
  const seconds = numberOf(query, 'timeoutSeconds');
  const body = watches.stream({
    type,
    matches: matcher(scope, query),
    signal,
    bookmarks: isOn(query.get('allowWatchBookmarks')),
    // 0 and no version both mean: first all current objects, then changes.
    since: since === 0 ? undefined : since,
    timeoutMs: seconds ? seconds * 1000 : undefined,
    ...(wantsTable(request) ? { show: (stored) => tableText({ type, items: [stored] }, query, now()) } : {}),
  });
  return { status: 200, headers: json, body };
}

export function createReader(ports: Ports): Reader {
  return {
    listText,
    one: (type, stored, request) =>
      wantsTable(request)
        ? tableText({ type, items: [stored] }, request.query, ports.now())
        : wholeText(type, stored),
    select: (scope, query) =>
      ports.storage
        .collection(idOf(scope.type))
        .list(scope.namespace || undefined)
        .filter(matcher(scope, query)),
    list: (scope, request) => list(ports, scope, request),
    watch: (scope, request) => watch(ports, scope, request),
  };
}

export const isOn = (value: string | null): boolean => value === 'true' || value === '1';
