// Names of the API, of objects, and ids of Azure.
export {
  apiVersion,
  assignedIdentityFinalizer,
  behaviorAnnotation,
  bindingLabel,
  defaultAssignedNamespace,
  defaultIdentityAnnotation,
  group,
  nodeLabel,
  podUidAnnotation,
  resources,
  version,
} from './parsing/group.ts';
export {
  canonicalResourceId,
  hostName,
  parseIdentityResourceId,
  parseProviderId,
  parseResourceId,
  sameResourceId,
} from './ids/resource-id.ts';
export {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
} from './matching/azure-assigned-identity.ts';
