// Room: who may use which identity, why not, and in which words: what both services decide and say in the same way.
// It must not do I/O, know how either service waits or asks, or repeat a text of the original.
export {
  azCommand,
  createCredentialWords,
  type CredentialOwner,
  type TrustedTokens,
} from './federated-credential.ts';
export { preferredDescription, type Described } from './one-identity.ts';
export { explainMatch, doubtful, invalidFinding, kindInWords, reachInWords } from './explain-match.ts';
export {
  adviceOf,
  findingLines,
  info,
  inBroker,
  inPlugIn,
  ok,
  problem,
  waiting,
  type Finding,
  type Remedy,
} from './finding.ts';
export {
  accessCheck,
  machineRightFinding,
  missingRightFinding,
  nameMissingRight,
  nameMissingRightAndRoles,
  rightFinding,
  thingOf,
  unknownRightFinding,
  whoDecides,
  type MissingRight,
} from './missing-right.ts';
export {
  modeForIdentity,
  refusesNoOne,
  reviewNames,
  pairKey,
  strangerRight,
  uselessReviews,
  targetsOf,
  useRight,
  verdictOfAll,
  type NamesReview,
} from './rights.ts';
export { copiesFor, type Lookup } from './lookup.ts';
export { reasonsByActor, type Reason } from './reasons.ts';
export { shellWord } from './shell-word.ts';
export {
  explainMismatch,
  explainUnbound,
  spareFinding,
  unboundBy,
  unboundFinding,
  whyUnbound,
  type UnboundContext,
  type Unbound,
} from './unbound.ts';
