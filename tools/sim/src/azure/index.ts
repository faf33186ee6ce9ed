// This room is Azure for our programs: Entra, IMDS, ARM and Key Vault as functions from request to response over one world.
// It must not import the services or kit: a simulator that shares our client code would share its mistakes.
export type { AzureOptions } from './azure.ts';
export { startAzure, type AzureSim } from './start.ts';
export type { AzureCalls } from './calls.ts';
export { discoverKeysAt } from './issuer-keys.ts';
export type { Hold, OperationError } from './arm-operations.ts';
export type { App, AppSpec, FederatedCredential, ManagedIdentity, ManagedIdentitySpec } from './directory.ts';
export type { Host, HostSpec, Machine, ProvisioningState, ScaleSetSpec } from './hosts.ts';
export type { JournaledRead, SecretRead } from './reads.ts';
export { roleDefinitions, type Role, type RoleAssignment } from './roles.ts';
export type { TokenSubject } from './tokens.ts';
export type { Kind, Lifetime, VaultFirewall } from './vault-objects.ts';
export type { Vault, VaultSpec } from './vaults.ts';
export type { HostView, IdentityBlock, IdentityEntry, World } from './world.ts';
