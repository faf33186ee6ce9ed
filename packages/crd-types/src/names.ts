// Names of the API, of objects, and ids of Azure.
export * from './parsing/group.ts';
export * from './ids/resource-id.ts';
export {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
} from './matching/azure-assigned-identity.ts';
