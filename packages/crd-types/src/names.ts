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
} from './group.ts';
export {
  canonicalResourceId,
  hostName,
  parseIdentityResourceId,
  parseProviderId,
  parseResourceId,
  sameResourceId,
} from './resource-id.ts';
export {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
} from './azure-assigned-identity.ts';
