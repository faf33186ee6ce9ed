// Room: what a pod would be told, and why, from plain lists: for the plug-in's `explain`.
// It must not do I/O, or get a token.
import { reachOf } from '@pod-identity/crd-types';
import { info, ok, problem, reachInWords, waiting, whoDecides, type Finding } from '@pod-identity/policy';
import { accessModeOf } from '../authorize/access-needed.ts';
import { expectedResponse, type ExpectedResponse } from './expected-response.ts';
import { explainLocation } from './explain-location.ts';
import { explainRights, rulesOf } from './explain-rights.ts';
import type { ExplainWorld } from './world.ts';

export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  readonly findings: readonly Finding[];
  readonly responses: readonly ExpectedResponse[];
  readonly result: Finding;
}

/** All conditions for a token, in order, and the responses to requests of the pod. */
export function explainPod(world: ExplainWorld): Explanation {
  const location = explainLocation(world);
  const { tooLarge } = world.pod;
  const rights =
    tooLarge === undefined
      ? explainRights(world)
      : { findings: [problem('label', `the pod is not served: its ${tooLarge}`, shorten)], selectors: [] };
  const responses = [{ by: 'nothing' } as const, ...rights.selectors].map((selector) =>
    expectedResponse(selector, world, location.failure),
  );
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
    result: resultOf(responses),
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

function resultOf(responses: readonly ExpectedResponse[]): Finding {
  const given = responses.filter(({ status }) => status === 200);
  if (given.some(({ selector }) => selector === '')) return ok('result', 'the pod gets a token');
  if (given.length > 0) return ok('result', 'the pod gets a token when its request names the identity');
  if (responses[0]?.waitsFor === 'objects')
    return waiting(
      'result',
      'the pod gets a token as soon as what is missing is created and its identity is attached',
    );
  return problem('result', 'the pod gets no token');
}
