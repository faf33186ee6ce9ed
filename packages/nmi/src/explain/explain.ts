// Room: what a pod would be told, and why, from plain lists: for the plug-in's `explain`.
// It must not do I/O, or get a token.
import { reachOf } from '@pod-identity/crd-types';
import { info, ok, problem, reachInWords, waiting, whoDecides, type Finding } from '@pod-identity/policy';
import { accessModeOf } from '../authorize/access-needed.ts';
import { exemptionOf } from '../authorize/exception.ts';
import { expectedResponses, type ExpectedResponse } from './expected-response.ts';
import { explainLocation } from './explain-location.ts';
import { explainRights, rulesOf } from './explain-rights.ts';
import type { ExplainWorld } from './world.ts';

export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  readonly findings: readonly Finding[];
  readonly responses: readonly ExpectedResponse[];
  readonly result: Finding;
  /** False: whether the pod gets a token depends on a right that was not reviewed, or a Secret that may not be read. */
  readonly isKnown: boolean;
  /** It is exempt, and has the right on the machine where that is needed. */
  readonly reachesMachine: boolean;
}

/** All conditions for a token, in order, and the responses to requests of the pod. */
export function explainPod(world: ExplainWorld): Explanation {
  const location = explainLocation(world);
  const { tooLarge } = world.pod;
  const rights =
    tooLarge === undefined
      ? explainRights(world)
      : { findings: [problem('label', `the pod is not served: its ${tooLarge}`, shorten)], selectors: [] };
  const responses = [{ by: 'nothing' } as const, ...rights.selectors].flatMap((selector) =>
    expectedResponses(selector, world, location.failure),
  );
  const exemption = exemptionOf(world.pod, world.view, world.rules);
  const needsRight = exemption?.access?.mode === 'rbac';
  const mode = accessModeOf(world.pod.namespace, world.view, world.rules);
  const rules = `with identities ${reachInWords[reachOf(rulesOf(world))]}; ${whoDecides[mode]}`;
  return {
    pod: world.pod.key,
    findings: [
      ...location.findings,
      ...rights.findings,
      ...graceOf(responses, world),
      info('rules', `looked at ${rules}`),
    ],
    responses,
    reachesMachine: exemption !== undefined && (!needsRight || world.reviewed.get('')?.verdict === 'allowed'),
    ...conclude(responses),
  };
}

const shorten = { text: 'shorten what is named here, in the template of the pod too' };

/** Why requests wait although an object is missing. */
function graceOf(
  responses: readonly ExpectedResponse[],
  { pod, bindingGraceMs, now }: ExplainWorld,
): readonly Finding[] {
  if (!responses.some(({ waitsFor }) => waitsFor === 'objects')) return [];
  const ageMs = Math.max(0, now - (pod.acceptedAt ?? now));
  return [
    waiting(
      'pod',
      `it has started ${Math.floor(ageMs / 1000)} s ago: until ${bindingGraceMs / 1000} s after its start (--binding-grace) its requests wait for what ` +
        'is missing and can be retried; later ones are refused at once',
    ),
  ];
}

function conclude(responses: readonly ExpectedResponse[]): Pick<Explanation, 'result' | 'isKnown'> {
  const given = responses.filter(({ status }) => status === 200).map(({ selector }) => selector);
  const others = new Set(
    responses.filter(({ status, isUnread }) => status !== 200 || isUnread).map(({ selector }) => selector),
  );
  const surely = given.filter((selector) => !others.has(selector));
  if (given.length > 0 && surely.length === 0)
    return { result: waiting('result', dependsOn(responses)), isKnown: false };
  return { result: resultOf(surely, responses), isKnown: true };
}

const dependsOn = (responses: readonly ExpectedResponse[]) =>
  `whether the pod gets a token depends on ${
    responses.some(({ isUnread }) => isUnread)
      ? 'a Secret that may not be read'
      : 'the right of its ServiceAccount to use the machine'
  }`;

/** `surely`: the selectors that give a token. */
function resultOf(surely: readonly string[], [plain]: readonly ExpectedResponse[]): Finding {
  if (surely.includes('')) return ok('result', 'the pod gets a token');
  if (surely.length > 0) return ok('result', 'the pod gets a token when its request names the identity');
  if (plain?.waitsFor === 'objects')
    return waiting(
      'result',
      'the pod gets a token as soon as what is missing is created and its identity is attached',
    );
  return problem('result', 'the pod gets no token');
}
