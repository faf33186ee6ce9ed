// What the kubectl plug-in uses of MIC: its configuration, its views of objects and its words.
export { readOriginalWarning } from '../compat/original.ts';
export { readMicConfig, type MicConfig } from '../config/config.ts';
export { saysAssigned } from '../plan/diff.ts';
export { instantOf } from '../snapshot/raw-object.ts';
export { createTrims } from '../snapshot/trims.ts';
export type { AssignedView, BindingView, IdentityView } from '../snapshot/views.ts';
export { clientIdRemedy, remedyFor } from '../tell/remedy.ts';
export { listProblems } from '../tell/spec-texts.ts';
