import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import { reviewAccess } from './access-review.ts';
import type { AccountTokens } from './account-tokens.ts';
import type { Guard } from './authorize.ts';
import type { Discovery } from './discovery.ts';
import { readObject } from './metadata.ts';
import { at, isRecord, textAt, type KubeObject } from './object.ts';
import { jsonPatch, mergePatch, PatchError } from './patch.ts';
import { isOn, type Reader } from './reader.ts';
import type { Rights } from './rights.ts';
import { wholeText } from './record.ts';
import type { Registry, RemoveOptions, WriteOptions } from './registry.ts';
import { parseResourcePath, type ResourcePath } from './resource-path.ts';
import { builtInTypes, type ResourceType, type ResourceTypes } from './resources.ts';
import type { Target } from './rules.ts';
import { badRequest, noSuchResource, StatusError, success } from './status.ts';
import { strategicMerge } from './strategic-merge.ts';

interface Parts {
  readonly types: ResourceTypes;
  readonly registry: Registry;
  readonly reader: Reader;
  readonly discovery: Discovery;
  readonly rights: Rights;
  readonly guard: Guard;
  readonly tokens: AccountTokens;
}

interface Call extends Parts {
  readonly request: HttpRequest;
  readonly target: Target;
}

const json = { 'content-type': 'application/json' };
const bodyLimit = 3 * 1024 * 1024;
const writeMethods = new Set(['POST', 'PUT', 'PATCH']);

/** The API server as a function from request to response. */
export function createApiServer(parts: Parts): HttpHandler {
  return (request) => {
    try {
      return answer(parts, request);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const retryAfter = error.details?.retryAfterSeconds;
      const headers = retryAfter === undefined ? json : { ...json, 'retry-after': String(retryAfter) };
      return { status: error.code, headers, body: JSON.stringify(error.body()) };
    }
  };
}

function answer(parts: Parts, request: HttpRequest): HttpResponse {
  if (/^\/(healthz|livez|readyz)$/.test(request.path)) return { status: 200, body: 'ok' };
  const document = request.method === 'GET' ? documentAt(parts, request.path) : undefined;
  if (document) return { status: 200, body: document };
  const path = parseResourcePath(request.path);
  if (!path) return nothingThere(path);
  parts.guard.check(request, path);
  const type = parts.types.find(path);
  checkContainers(path);
  if (!type || !isPathOf(type, path)) return nothingThere(path);
  if (request.body.length > bodyLimit) {
    throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${bodyLimit}`);
  }
  const { namespace, name, subresource } = path;
  const part = subresource === 'status' ? { subresource: 'status' as const } : {};
  if (subresource === 'token') return requestToken(parts, request, { namespace, name });
  return serve({ ...parts, request, target: { type, namespace, name, ...part } });
}

const documentAt = ({ discovery, tokens }: Parts, path: string): string | object | undefined =>
  discovery.read(path) ?? tokens.document(path);

/** A 404 with a Status object from built-in groups, and with text for unknown groups. */
function nothingThere(path: ResourcePath | undefined): HttpResponse {
  if (path && builtInTypes.some((type) => type.group === path.group)) throw noSuchResource();
  return {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '404 page not found\n',
  };
}

/** Subresources of a pod that take a kubelet and a container. */
const ofContainers = new Set(['log', 'exec', 'attach', 'portforward', 'proxy', 'ephemeralcontainers']);

function checkContainers({ group, plural, subresource }: ResourcePath): void {
  if (group === '' && plural === 'pods' && ofContainers.has(subresource))
    throw new StatusError(
      'NotFound',
      `no container runs: the simulated API server has no pods/${subresource}`,
    );
}

function isPathOf(type: ResourceType, { namespace, name, subresource }: ResourcePath): boolean {
  if (!type.namespaced && namespace !== '') return false;
  // A request for a single object must name its namespace.
  if (type.namespaced && namespace === '' && name !== '') return false;
  if (type.isReview && name !== '') return false;
  return subresource === '' || hasPart(type, subresource);
}

const hasPart = ({ kind, hasStatus }: ResourceType, subresource: string): boolean =>
  subresource === 'token' ? kind === 'ServiceAccount' : subresource === 'status' && hasStatus;

function requestToken(
  { tokens }: Parts,
  request: HttpRequest,
  account: { readonly namespace: string; readonly name: string },
): HttpResponse {
  if (request.method !== 'POST') throw notAllowed();
  return { status: 201, headers: json, body: JSON.stringify(tokens.request(account, readJson(request))) };
}

type Verb = (call: Call) => HttpResponse;

/** The handlers by method: for a single object, a collection, and a subresource. */
const ofOne: Readonly<Record<string, Verb>> = { GET: read, PUT: replace, PATCH: patch, DELETE: remove };
const ofAll: Readonly<Record<string, Verb>> = { GET: read, POST: create, DELETE: removeAll };
const ofPart: Readonly<Record<string, Verb>> = { GET: read, PUT: replace, PATCH: patch };
const ofReviews: Readonly<Record<string, Verb>> = { POST: review };

function serve(call: Call): HttpResponse {
  const { request, target } = call;
  const verb = verbsFor(target)[request.method];
  const isHomeless = target.type.namespaced && target.namespace === '' && request.method === 'POST';
  if (!verb || isHomeless) throw notAllowed();
  return verb(call);
}

function verbsFor({ type, name, subresource }: Target): Readonly<Record<string, Verb>> {
  if (type.isReview) return ofReviews;
  return name === '' ? ofAll : subresource ? ofPart : ofOne;
}

const notAllowed = (): StatusError =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

function read({ reader, registry, request, target }: Call): HttpResponse {
  if (isOn(request.query.get('watch'))) return reader.watch(target, request);
  if (target.name === '') return reader.list(target, request);
  return { status: 200, headers: json, body: reader.one(target.type, registry.get(target), request) };
}

function create({ registry, request, target }: Call): HttpResponse {
  const stored = registry.create(target, readObject(readJson(request)), writeOptions(request));
  return { status: 201, headers: json, body: wholeText(target.type, stored) };
}

function review({ rights, tokens, request, target: { type } }: Call): HttpResponse {
  const given = readJson(request);
  const reviewed =
    type.kind === 'TokenReview' ? tokens.review(type, given) : reviewAccess(type, rights, given);
  return { status: 201, headers: json, body: JSON.stringify(reviewed) };
}

function replace({ registry, request, target }: Call): HttpResponse {
  const { stored, created } = registry.replace(target, readObject(readJson(request)), writeOptions(request));
  return { status: created ? 201 : 200, headers: json, body: wholeText(target.type, stored) };
}

function patch({ registry, request, target }: Call): HttpResponse {
  const change = patchOf(request, target);
  const stored = registry.modify(target, change, writeOptions(request));
  return { status: 200, headers: json, body: wholeText(target.type, stored) };
}

function remove({ registry, request, target }: Call): HttpResponse {
  const { stored, complete } = registry.remove(target, removeOptions(request));
  const { type, name } = target;
  if (complete && !type.returnsDeleted) return { status: 200, body: success(type, name, stored.uid) };
  return { status: 200, headers: json, body: wholeText(type, stored) };
}

function removeAll({ registry, reader, request, target }: Call): HttpResponse {
  const selected = reader.select(target, request.query);
  const options = removeOptions(request);
  const items = selected.map(
    ({ namespace, name }) => registry.remove({ type: target.type, namespace, name }, options).stored,
  );
  const body = reader.listText(target.type, {
    items,
    version: items.at(-1)?.version ?? 0,
    remaining: 0,
  });
  return { status: 200, headers: json, body };
}

const mediaType = ({ headers }: HttpRequest): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';

const unsupported = (accepted: readonly string[], hint = ''): StatusError =>
  new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}${hint}`,
  );

/** Such as of `kubectl create namespace NAME`. */
const protobufHint = (request: HttpRequest): string =>
  mediaType(request) === 'application/vnd.kubernetes.protobuf'
    ? '. The simulated API server reads no protobuf: write the object to a file and use kubectl apply -f FILE'
    : '';

function readJson(request: HttpRequest): unknown {
  if (!['', 'application/json'].includes(mediaType(request)) && writeMethods.has(request.method)) {
    if (request.method !== 'PATCH') throw unsupported(['application/json'], protobufHint(request));
  }
  try {
    return JSON.parse(request.body);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply, without server-side apply. */
function patchOf(request: HttpRequest, { type, name }: Target): (object: KubeObject) => unknown {
  const apply: Readonly<Record<string, (object: KubeObject, body: unknown) => unknown>> = {
    'application/json-patch+json': (object, body) => applyJsonPatch({ object, body, type, name }),
    'application/merge-patch+json': mergePatch,
    ...(type.builtIn ? { 'application/strategic-merge-patch+json': strategicMerge } : {}),
  };
  const chosen = apply[mediaType(request)];
  if (!chosen) throw unsupported(Object.keys(apply));
  const body = readJson(request);
  return (object) => chosen(object, body);
}

function applyJsonPatch(of: {
  object: KubeObject;
  body: unknown;
  type: ResourceType;
  name: string;
}): unknown {
  try {
    return jsonPatch(of.object, of.body);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.kind === 'malformed') throw badRequest(error.message);
    throw new StatusError('Invalid', 'the server rejected our request due to an error in our request', {});
  }
}

const writeOptions = ({ query }: HttpRequest): WriteOptions => ({
  dryRun: query.get('dryRun') === 'All',
  strict: query.get('fieldValidation') === 'Strict',
});

function removeOptions(request: HttpRequest): RemoveOptions {
  const options = request.body.trim() === '' ? {} : readJson(request);
  if (!isRecord(options)) throw badRequest('DeleteOptions must be an object');
  const grace = request.query.get('gracePeriodSeconds') ?? at(options, 'gracePeriodSeconds') ?? undefined;
  const dryRun = at(options, 'dryRun') ?? request.query.getAll('dryRun');
  return {
    dryRun: Array.isArray(dryRun) && dryRun.includes('All'),
    uid: textAt(options, 'preconditions', 'uid') || undefined,
    resourceVersion: textAt(options, 'preconditions', 'resourceVersion') || undefined,
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
  };
}
