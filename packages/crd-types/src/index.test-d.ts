import type { KubernetesObject, V1Node } from '@kubernetes/client-node';
import { describe, expectTypeOf, test } from 'vitest';
import {
  matchPod,
  parseAzureIdentity,
  parseIdentityResourceId,
  parseProviderId,
  resources,
  type AssignedState,
  type AzureAssignedIdentity,
  type AzureIdentity,
  type AzureIdentityBinding,
  type AzurePodIdentityException,
  type Host,
  type IdentityType,
  type MatchInput,
  type MatchResult,
  type MismatchReason,
  type Parsed,
  type Problem,
  type ResourceId,
} from './index.ts';

describe('the public types', () => {
  test('a parser returns the value or the problems, and the compiler knows which', () => {
    const parsed = parseAzureIdentity({});
    expectTypeOf(parsed).toEqualTypeOf<Parsed<AzureIdentity>>();
    if (parsed.ok) expectTypeOf(parsed.value).toEqualTypeOf<AzureIdentity>();
    else expectTypeOf(parsed.problems).toEqualTypeOf<readonly Problem[]>();
    // @ts-expect-error -- the value is there only once `ok` was looked at
    expectTypeOf(parsed.value).toBeObject();
  });

  test('a ResourceId is a string, but a string is no ResourceId', () => {
    expectTypeOf<ResourceId>().toExtend<string>();
    expectTypeOf<string>().not.toExtend<ResourceId>();
    expectTypeOf(parseIdentityResourceId).returns.toEqualTypeOf<Parsed<ResourceId>>();
    expectTypeOf(parseProviderId).returns.toEqualTypeOf<Parsed<Host>>();
  });

  test('the unions have exactly their documented members', () => {
    expectTypeOf<IdentityType>().toEqualTypeOf<0 | 1 | 2 | 3>();
    expectTypeOf<AssignedState>().toEqualTypeOf<'Created' | 'Assigned' | 'Unassigned' | ''>();
    expectTypeOf<Host['kind']>().toEqualTypeOf<'vm' | 'vmss'>();
    expectTypeOf<MismatchReason>().toEqualTypeOf<
      | 'no-account'
      | 'no-label'
      | 'empty-label'
      | 'no-binding'
      | 'identity-missing'
      | 'other-namespace'
      | 'shadowed'
      | 'too-many-bindings'
      | 'not-selected'
    >();
  });

  test('a kind is a literal, so that objects cannot be mixed up', () => {
    expectTypeOf<AzureIdentity>().not.toExtend<AzureIdentityBinding>();
    expectTypeOf<AzureAssignedIdentity['spec']['azureIdentityRef']>().toEqualTypeOf<AzureIdentity>();
    expectTypeOf(resources.AzureIdentity.kind).toEqualTypeOf<'AzureIdentity'>();
  });

  test('matchPod takes one object', () => {
    expectTypeOf(matchPod).parameters.toEqualTypeOf<[MatchInput]>();
    expectTypeOf(matchPod).returns.toEqualTypeOf<MatchResult>();
  });
});

describe('the types beside those of @kubernetes/client-node', () => {
  test('objects are KubernetesObjects', () => {
    expectTypeOf<AzureIdentity>().toExtend<KubernetesObject>();
    expectTypeOf<AzureIdentityBinding>().toExtend<KubernetesObject>();
    expectTypeOf<AzureAssignedIdentity>().toExtend<KubernetesObject>();
    expectTypeOf<AzurePodIdentityException>().toExtend<KubernetesObject>();
  });

  test('the providerID of a Node may be undefined', () => {
    const hostOf = (node: V1Node) => parseProviderId(node.spec?.providerID);
    expectTypeOf(hostOf).returns.toEqualTypeOf<Parsed<Host>>();
  });
});
