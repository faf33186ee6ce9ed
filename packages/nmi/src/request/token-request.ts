// Room: what a request says, judged by itself, before anybody asks who sent it.
// It must not look at a header to learn who the caller is, or know pods or tokens.
import { lowerAscii } from '@pod-identity/kit/core';
import { readResource } from './resource.ts';

/** How a request names an identity. Values are in lower case, since ids compare without case. */
export type Selector =
  | { readonly by: 'nothing' }
  | { readonly by: 'client-id' | 'object-id' | 'resource-id'; readonly value: string };

export interface TokenRequest {
  /** As sent, without a `/.default` at its end. A trailing slash is part of the audience. */
  readonly resource: string;
  readonly selector: Selector;
  /** Not from a cache: the caller's token does not work. */
  readonly bypassCache: boolean;
}

export type BadRequestReason =
  | 'no-metadata-header'
  | 'forwarded'
  | 'foreign-host'
  | 'malformed-target'
  | 'body-too-large'
  | 'no-resource'
  | 'malformed-parameter'
  | 'repeated-parameter'
  | 'misnamed-parameter'
  | 'several-selectors'
  | 'no-pod-headers'
  | 'not-from-the-node';

export interface BadRequest {
  readonly why: BadRequestReason;
  /** The parameter or header in question. */
  readonly name?: string;
  /** Of a misnamed parameter: the one that was meant. */
  readonly rightName?: string;
}

export type ParsedTokenRequest =
  { readonly ok: true; readonly value: TokenRequest } | { readonly ok: false; readonly problem: BadRequest };

const selectorNames = {
  client_id: 'client-id',
  object_id: 'object-id',
  msi_res_id: 'resource-id',
  mi_res_id: 'resource-id',
  'msi-res-id': 'resource-id',
} as const;
type SelectorName = keyof typeof selectorNames;

/**
 * Names of the selectors here and elsewhere, such as in App Service, by their letters. Other spellings of these are refused, not ignored like other
 * unknown parameters: otherwise the caller would get the token of another identity.
 */
const misnamed: ReadonlyMap<string, SelectorName> = new Map([
  ['clientid', 'client_id'],
  ['objectid', 'object_id'],
  ['principalid', 'object_id'],
  ['resourceid', 'msi_res_id'],
  ['miresid', 'msi_res_id'],
  ['msiresid', 'msi_res_id'],
]);

const selectorKeys = Object.keys(selectorNames) as SelectorName[];
const usedNames = ['resource', ...selectorKeys, 'bypass_cache', 'token_sha256_to_refresh'] as const;
type UsedName = (typeof usedNames)[number];
type Parameters = ReadonlyMap<UsedName, string>;

const longestValue = 2048;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f\u007f]/;

/**
 * Any api-version is accepted; unknown parameters are ignored, except misnamed selectors. Names compare without case: two spellings
 * of a parameter count as repeated. An empty selector counts as absent: SDKs send it if a variable is not set.
 */
export function parseTokenRequest(query: string): ParsedTokenRequest {
  const read = readQuery(query);
  if (!read.ok) return read;
  const parameters = read.value;
  const selectors = selectorKeys.filter((name) => valueOf(parameters, name) !== '');
  if (selectors.length > 1) return refuse('several-selectors', selectors.join(' and '));
  const spaced = selectors.find((name) => /\s/.test(valueOf(parameters, name)));
  if (spaced !== undefined) return refuse('malformed-parameter', spaced);
  const resource = readResource(parameters.get('resource'));
  if (!resource.ok) return refuse(resource.why, 'resource');
  return {
    ok: true,
    value: {
      resource: resource.value,
      selector: selectorFrom(parameters, selectors[0]),
      bypassCache: isBypass(parameters),
    },
  };
}

type Refused = Extract<ParsedTokenRequest, { readonly ok: false }>;

function readQuery(query: string): { readonly ok: true; readonly value: Parameters } | Refused {
  const parameters = new Map<UsedName, string>();
  const names = new Set<string>();
  for (const [spelled, value] of new URLSearchParams(query)) {
    const name = lowerAscii(spelled);
    if (names.has(name)) return refuse('repeated-parameter', name);
    names.add(name);
    if (value.length > longestValue || control.test(value)) return refuse('malformed-parameter', name);
    if (isUsed(name)) parameters.set(name, value);
    else if (value.trim() !== '') {
      const rightName = misnamed.get(lettersOf(name));
      if (rightName !== undefined) return refuse('misnamed-parameter', name, rightName);
    }
  }
  return { ok: true, value: parameters };
}

/** Without what programs add by mistake: escapes, brackets of a list, separators, whitespace and control characters. */
function lettersOf(name: string): string {
  return name.replaceAll(/^amp;|%[0-9a-f]{2}|\[\d*\]|[^a-z0-9]/g, '');
}

function isUsed(name: string): name is UsedName {
  return (usedNames as readonly string[]).includes(name);
}

function valueOf(parameters: Parameters, name: SelectorName): string {
  return (parameters.get(name) ?? '').trim().toLowerCase();
}

function selectorFrom(parameters: Parameters, name: SelectorName | undefined): Selector {
  if (name === undefined) return { by: 'nothing' };
  return { by: selectorNames[name], value: valueOf(parameters, name) };
}

/** Not `xms_cc`: MSAL sends it with every request of a program that sets capabilities, whatever its token is worth. */
function isBypass(parameters: Parameters): boolean {
  const isRequested = parameters.get('bypass_cache')?.toLowerCase() === 'true';
  return isRequested || parameters.has('token_sha256_to_refresh');
}

function refuse(why: BadRequestReason, name: string, rightName?: string): Refused {
  return { ok: false, problem: { why, name: name.slice(0, 64), ...(rightName && { rightName }) } };
}
