// Untrusted JSON to typed objects, or all its problems.
export { parseAzureAssignedIdentity } from './matching/azure-assigned-identity.ts';
export { parseAzureIdentity } from './objects/azure-identity.ts';
export { parseAzureIdentityBinding } from './objects/azure-identity-binding.ts';
export { parseAzurePodIdentityException } from './objects/azure-pod-identity-exception.ts';
export { canonicalise, type Canonical } from './parsing/canonical.ts';
export type { Parsed, Problem } from './parsing/problem.ts';
