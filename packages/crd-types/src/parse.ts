// Untrusted JSON to typed objects, or all its problems.
export { parseAzureAssignedIdentity } from './azure-assigned-identity.ts';
export { parseAzureIdentity } from './azure-identity.ts';
export { parseAzureIdentityBinding } from './azure-identity-binding.ts';
export { parseAzurePodIdentityException } from './azure-pod-identity-exception.ts';
export { canonicalise, type Canonical } from './canonical.ts';
export { fieldLimits, tooLargeProblems, type FieldLimits } from './fields.ts';
export type { Parsed, Problem } from './problem.ts';
export type { Parser, StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
