import type { AzureIdentity, AzureIdentityBinding } from '@pod-identity/crd-types';
import type { Assignment } from '../types.ts';
import { binding, identity, idOf, pod, type BindingFields, type IdentityFields } from './builders.ts';

export function validIdentity(fields?: IdentityFields): AzureIdentity {
  const view = identity(fields);
  if (view.kind !== 'valid') throw new TypeError('the identity is invalid');
  return view.identity;
}

export function validBinding(fields?: BindingFields): AzureIdentityBinding {
  const view = binding(fields);
  if (view.kind !== 'valid') throw new TypeError('the binding is invalid');
  return view.binding;
}

/** The assignment of the default pod, identity and binding of `builders.ts`; tests pass the differences. */
export function assignment(different: Partial<Assignment> = {}): Assignment {
  return { ...assignmentWithoutId(), resourceId: idOf('reader'), ...different };
}

/** The same for an identity without a resource id, such as a service principal. */
export function assignmentWithoutId(): Assignment {
  return {
    key: 'k',
    pod: pod(),
    identity: validIdentity(),
    binding: validBinding(),
    meaning: 'm',
    objectNamespace: 'default',
    objectName: 'web-0-shop-reader',
  };
}
