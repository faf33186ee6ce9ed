// `mic access NAMESPACE/SERVICEACCOUNT [ID]`: prints which right lets the ServiceAccount use an Azure identity, or those that its pods
// use now, or the roles to apply. Changes nothing.
import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import type { AccessReviewer } from '@pod-identity/kit/kube';
import type { Printer } from '@pod-identity/kit/serve';
import { refusesNoOne, type NamesReview } from '@pod-identity/policy';
import { checkLines } from '../tell/access-check.ts';
import { allowsAnybody, reviewTarget } from './review-pod.ts';

export interface AccessCommand {
  readonly subject: AccessSubject;
  /** Undefined: the identities that pods of the ServiceAccount use now. */
  readonly target: AccessTarget | undefined;
  readonly inUse: () => Promise<readonly AccessTarget[]>;
  readonly reviewer: AccessReviewer;
  readonly signal: AbortSignal;
  readonly printer: Printer;
}

/** Returns the exit code: as `codeOf`; 1 also where anybody is allowed. */
export async function accessCommand(command: AccessCommand): Promise<number> {
  const { subject, printer } = command;
  const targets = command.target ? [command.target] : await command.inUse();
  if (targets.length === 0)
    printer.line(
      `· no pod of ServiceAccount ${subject.namespace}/${subject.name} uses an Azure identity now: name one, by its ARM id, as <tenant>/<client id> or as federatedidentities/<tenant>/<client id>`,
    );
  const kinds = new Set<NamesReview['kind']>();
  for (const target of targets) {
    const checked = await reviewTarget({ subject, target }, command);
    kinds.add(checked.kind);
    for (const line of checkLines(subject, target, checked)) printer.line(line);
  }
  const code = codeOf(kinds);
  const isOpen = code === 0 && (await allowsAnybody(command));
  if (isOpen) printer.line(`✗ and so may anybody: ${refusesNoOne}`);
  return isOpen ? 1 : code;
}

/** 0: all are allowed; 1: one is not, or there is none; 2: the API server did not say of one, and refused none. */
export function codeOf(kinds: ReadonlySet<NamesReview['kind']>): 0 | 1 | 2 {
  if (kinds.has('refused')) return 1;
  if (kinds.has('unanswered')) return 2;
  return kinds.has('allowed') ? 0 : 1;
}
