import { keyOf } from './resource-path.ts';

export type Role = 'Managed Identity Operator' | 'Virtual Machine Contributor' | 'Reader' | 'Contributor';

interface RoleDefinition {
  /** Azure's built-in role definitions have the same id in every tenant. */
  readonly id: string;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

const readRoles = 'Microsoft.Authorization/*/read';

export const roleDefinitions: Readonly<Record<Role, RoleDefinition>> = {
  'Managed Identity Operator': {
    id: 'f1a07417-d97a-45cb-824c-7a7467783830',
    actions: [
      'Microsoft.ManagedIdentity/userAssignedIdentities/*/read',
      'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
      readRoles,
    ],
    notActions: [],
  },
  'Virtual Machine Contributor': {
    id: '9980e02c-c2be-4d73-94e8-173b1dc7cf3c',
    actions: [
      'Microsoft.Compute/locations/*',
      'Microsoft.Compute/virtualMachines/*',
      'Microsoft.Compute/virtualMachineScaleSets/*',
      readRoles,
    ],
    notActions: [],
  },
  Reader: { id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', actions: ['*/read'], notActions: [] },
  Contributor: {
    id: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
    actions: ['*'],
    notActions: ['Microsoft.Authorization/*/Write', 'Microsoft.Authorization/*/Delete'],
  },
};

export interface RoleAssignment {
  readonly id: string;
  readonly principalId: string;
  readonly role: Role;
  readonly scope: string;
}

export interface Roles {
  grant(principalId: string, role: Role, scope: string): void;
  revoke(principalId: string, role: Role, scope: string): void;
  /** Whether a role of this principal at the scope or above it allows the action. */
  permits(principalId: string, action: string, scope: string): boolean;
  assignments(): readonly RoleAssignment[];
}

export function createRoles(ports: { readonly newId: () => string; readonly changed: () => void }): Roles {
  let granted: readonly RoleAssignment[] = [];
  return {
    grant(principalId, role, scope) {
      granted = [...granted, { id: ports.newId(), principalId, role, scope }];
      ports.changed();
    },
    revoke(principalId, role, scope) {
      const same = (one: RoleAssignment) =>
        one.principalId === principalId && one.role === role && keyOf(one.scope) === keyOf(scope);
      granted = granted.filter((one) => !same(one));
      ports.changed();
    },
    permits: (principalId, action, scope) =>
      granted.some(
        (one) => one.principalId === principalId && covers(one.scope, scope) && allows(one.role, action),
      ),
    assignments: () => granted,
  };
}

/** Whether `scope` equals `outer` or is inside it. */
export function covers(outer: string, scope: string): boolean {
  return `${keyOf(scope)}/`.startsWith(`${keyOf(outer)}/`);
}

function allows(role: Role, action: string): boolean {
  const { actions, notActions } = roleDefinitions[role];
  return (
    actions.some((pattern) => fits(pattern, action)) && !notActions.some((pattern) => fits(pattern, action))
  );
}

/** `*` matches anything, also nothing between two slashes, as in the built-in roles. */
function fits(pattern: string, action: string): boolean {
  const source = pattern.replaceAll('.', '\\.').replace('/*/', '/(.+/)?').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 'i').test(action);
}
