import { printable } from '@pod-identity/kit/core';
import { parseMembers } from '../json.ts';
import { listenerName } from '../request/wire.ts';

/** Why a canary is not ready. */
export type CanaryReason =
  'no-answer' | 'refused' | 'other-server' | 'not-accepted' | 'not-fresh' | 'other-node' | 'other-address';

/** What came of one request to the metadata address. */
export type Sighting =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** The header Server. */
      readonly server: string;
      /** Undefined: too long. */
      readonly body: string | undefined;
      /** The pod's own end of the connection. */
      readonly localAddress: string;
    }
  | { readonly kind: 'failed'; readonly code: string };

export interface Expected {
  /** The name of the pod's node. */
  readonly node: string;
  readonly challenge: string;
}

export type CanaryVerdict =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly why: CanaryReason; readonly text: string };

/** Whether NMI of the pod's own node answered, now, and knows the pod by its own address. */
export function judgeSighting(sighting: Sighting, expected: Expected): CanaryVerdict {
  if (sighting.kind === 'failed') return failed(sighting.code);
  const { status, server, body = '', localAddress } = sighting;
  if (server !== listenerName) return notReady('other-server', passedBy(server));
  if (status !== 200)
    return notReady('not-accepted', `NMI answers ${status}: ${shown(body)}. ${notAccepted}`);
  const members = membersOf(body);
  return members.challenge === expected.challenge
    ? judgeMembers(members, expected.node, localAddress)
    : notReady('not-fresh', notFresh);
}

function judgeMembers({ node, caller }: Members, expectedNode: string, localAddress: string): CanaryVerdict {
  const elsewhere = notReady('other-address', translated(caller, localAddress));
  // NMI tells the name of its node only to callers that it knows.
  if (node === '' && caller !== '' && caller !== localAddress) return elsewhere;
  if (node !== expectedNode) return notReady('other-node', ofOtherNode(node, expectedNode));
  return caller === localAddress ? { kind: 'ready' } : elsewhere;
}

const notReady = (why: CanaryReason, text: string): CanaryVerdict => ({ kind: 'not-ready', why, text });

/** A reset, and the kernel's answer to a packet that it may not send. */
const refusals: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EACCES', 'EPERM']);

function failed(code: string): CanaryVerdict {
  return refusals.has(code)
    ? notReady(
        'refused',
        `calls to the metadata address are refused (${code}): NMI does not run on this node while its rules stand, or a network policy ` +
          'or a firewall rejects the calls; no pod gets a token here',
      )
    : notReady(
        'no-answer',
        `nothing answers at the metadata address (${code}): a network policy, a firewall or the network plugin drops the calls; no pod gets ` +
          'a token here',
      );
}

const passedBy = (server: string) =>
  `another server than NMI answers at the metadata address (it calls itself '${shown(server)}'): calls of pods get past NMI, and may get ` +
  'tokens of any identity of the machine. Look for what leads them there: a datapath in eBPF (host routing of Cilium), other rules of ' +
  'the node (nft list ruleset; iptables -t nat -S), a second interceptor; or hostNetwork in this pod';
const notAccepted =
  '404: NMI of this node is of a version without the canary; update it. X-Forwarded-For, Host: a proxy stands between pods and NMI';
const notFresh =
  'the answer is not to the question that was asked: something between this pod and NMI keeps answers, or imitates NMI';
const ofOtherNode = (node: string, own: string) => (node === '' ? unknownHere(own) : namedOther(node, own));
const unknownHere = (own: string) =>
  `the NMI that answers knows no pod of its node by this address (this pod is on '${own}'): it is of another node, or the address is not ` +
  'reported to the API server yet, which passes';
const namedOther = (node: string, own: string) =>
  `NMI of another node answers ('${shown(node)}', this pod is on '${own}'): it does not know the pods of this node. Look for what leads ` +
  'calls to the metadata address from node to node';
const translated = (caller: string, own: string) =>
  `NMI sees this pod as '${shown(caller)}' and not by its address ${own}: something translates addresses before NMI, which therefore cannot ` +
  'tell pods apart';

interface Members {
  readonly node: string;
  readonly caller: string;
  readonly challenge: string;
}

function membersOf(body: string): Members {
  const { node, caller, challenge } = parseMembers(body);
  return { node: textOf(node), caller: textOf(caller), challenge: textOf(challenge) };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

const longestShown = 200;

/** Untrusted: anybody may have answered. */
function shown(text: string): string {
  return printable(text.length > longestShown ? `${text.slice(0, longestShown)}…` : text);
}
