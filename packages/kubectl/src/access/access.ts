// Room: who may use which Azure identity: `access`, `who-can`, `inventory`, `access-report`.
// It must not grant anything, or decide what policy decides.
import type { AccessSubject } from '@pod-identity/crd-types';
import { exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { accessCodeOf, checkLines } from '../../../mic/src/commands/plug-in.ts';
import { isForPrograms } from '../print/output.ts';
import { parseObjectName } from '../cli/arguments.ts';
import { readIdentityTargets, type IdentityTarget } from './identities.ts';
import { openRights, type Rights } from './rights.ts';
import { identityArgument, readTargets } from './target.ts';
import { createReviews, rightIn, verdictObject, type Verdict } from './verdicts.ts';

export const access: PlugInCommand = {
  name: 'access',
  summary:
    'tells which Azure identities a ServiceAccount may use, or whether it may use one, with the missing roles',
  args: [
    { name: 'serviceaccount', what: 'NAMESPACE/SERVICEACCOUNT, or SERVICEACCOUNT of the namespace' },
    { name: 'identity', what: `${identityArgument}; default: those of all AzureIdentities`, optional: true },
  ],
  examples: ['access shop/web', 'access shop/web shop/reader', 'access shop/web TENANT/CLIENT-ID'],
  async run(session, { args: [account = '', identity] }) {
    const subject = parseObjectName(account, 'ServiceAccount', session);
    return identity === undefined
      ? listAccess(session, subject)
      : checkAccess(session, { subject, identity });
  },
};

interface Check {
  readonly subject: AccessSubject;
  readonly identity: string;
}

async function checkAccess(session: Session, { subject, identity }: Check): Promise<number> {
  const targets = await readTargets(session, identity);
  const rights = await openRights(session);
  const review = createReviews(rights, session);
  const verdicts = await Promise.all(targets.map((target) => review(subject, target)));
  if (isForPrograms(session)) session.out.object(accessObject(subject, rights, verdicts));
  else
    for (const { target, review: checked } of verdicts)
      for (const line of checkLines(subject, target, checked)) session.out.line(line);
  reportNotes(session, rights.notes);
  return rights.allowsAnybody
    ? exitCodes.problem
    : accessCodeOf(new Set(verdicts.map(({ review: { kind } }) => kind)));
}

async function listAccess(session: Session, subject: AccessSubject): Promise<number> {
  const [rights, { identities, notes }] = await Promise.all([
    openRights(session),
    readIdentityTargets(session, subject.namespace),
  ]);
  const review = createReviews(rights, session);
  const verdicts = await Promise.all(
    identities.map(async (identity) => ({ identity, verdict: await review(subject, identity.target) })),
  );
  if (isForPrograms(session)) {
    const { serviceAccount, source, ...rest } = accessObject(subject, rights, []);
    const found = verdicts.map(({ identity: { by }, verdict }) => ({ ...verdictObject(verdict), by }));
    session.out.object({
      serviceAccount,
      source,
      ...rest,
      identities: found,
      notes: [...rest.notes, ...notes],
    });
  } else printList(session, verdicts);
  reportNotes(session, [...rights.notes, ...notes]);
  return verdicts.some(({ verdict }) => rightIn(verdict) === 'unknown') ? exitCodes.unknown : exitCodes.ok;
}

function printList(
  { out }: Session,
  verdicts: readonly { readonly identity: IdentityTarget; readonly verdict: Verdict }[],
): void {
  out.table({
    columns: [
      { name: 'RIGHT' },
      { name: 'AZUREIDENTITIES' },
      { name: 'RESOURCE' },
      { name: 'NAME' },
      { name: 'RIGHT ON', isWide: true },
    ],
    rows: verdicts.map(({ identity: { target, by }, verdict }) => {
      const { on = '' } = verdictObject(verdict);
      return [rightIn(verdict), by.join(','), target.resource, target.names[0], on];
    }),
  });
}

function accessObject(subject: AccessSubject, { source, notes }: Rights, verdicts: readonly Verdict[]) {
  return { serviceAccount: subject, source, identities: verdicts.map(verdictObject), notes };
}

/** Not on standard output, which has results alone; JSON has them as a field. */
export function reportNotes(session: Session, notes: readonly string[]): void {
  if (!isForPrograms(session)) for (const note of notes) session.err(`note: ${note}`);
}
