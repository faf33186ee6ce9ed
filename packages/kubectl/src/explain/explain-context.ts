import type { Rules } from '../rights/modes.ts';
import type { Rights } from '../rights/rights.ts';
import type { ObjectName } from '../cluster/fields.ts';
import type { ReadsWithinRights } from '../cluster/within-rights.ts';
import type { Session } from '../cli/command.ts';

/** What the user may read of what an explanation takes. */
export interface ExplainContext {
  readonly session: Session;
  readonly target: ObjectName;
  readonly pod: unknown;
  readonly nodeName: string;
  readonly rights: Rights;
  /** Of both sides, where their flags are not known. */
  readonly rules: Rules;
  readonly reads: ReadsWithinRights;
}
