// Room: who may use which Azure identity, and who does: `access`.
// It must not grant anything, or decide what policy decides.
import type { AccessSubject } from '@pod-identity/crd-types';
import { coreKinds, createResource, KubeError, wholeObject } from '@pod-identity/kit/kube';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { accessCodeOf, checkLines } from '../../../mic/src/commands/plug-in.ts';
import { isForPrograms } from '../print/output.ts';
import { parseObjectName } from '../cli/arguments.ts';
import { textAt } from '../cluster/fields.ts';
import { readHolders } from './holders.ts';
import { readIdentityTargets } from './identities.ts';
import { notesOn, rulesOf } from './modes.ts';
import { openRights } from './rights.ts';
import { identityArgument, readTargets } from './target.ts';
import { readUses } from './uses.ts';
import { createReviews, verdictObject, type AccessResult } from './verdicts.ts';

export const access: PlugInCommand = {
  name: 'access',
  summary:
    'lists which pod can be whom; of a ServiceAccount or pod: what it may use, and the missing roles; of an identity: who may use it and who does',
  args: [
    {
      name: 'serviceaccount',
      what: 'NAMESPACE/SERVICEACCOUNT, or SERVICEACCOUNT of the namespace',
      optional: true,
    },
    { name: 'id', what: `${identityArgument}; default: those of all AzureIdentities`, optional: true },
  ],
  options: [
    { flags: '--pod', what: 'the first argument is a pod: its ServiceAccount is meant' },
    { flags: '--identity <id>', what: 'tells who may use this identity, and which pods do' },
  ],
  examples: [
    'access -A',
    'access shop/web',
    'access shop/web TENANT/CLIENT-ID',
    'access --pod shop/web-0',
    'access --identity shop/reader',
  ],
  async run(session, { args: [name, id], options: { pod = false, identity } }) {
    if (name === undefined ? pod : identity !== undefined)
      throw new CommandProblem('give a name, with --pod that of a pod, or --identity, or neither');
    const { object, print, notes, code } = await read();
    if (isForPrograms(session)) session.out.object({ ...object, notes });
    else {
      print(session.out);
      // Not on standard output, which has results alone; JSON has them as a field.
      for (const note of notes) session.err(`note: ${note}`);
    }
    return code;

    async function read(): Promise<AccessResult> {
      if (typeof identity === 'string') return readHolders(session, identity);
      if (name === undefined) return readUses(session, await openRights(session));
      const subject = await (pod === true ? accountOf : parseAccount)(session, name);
      return id === undefined ? listAccess(session, subject) : checkAccess(session, subject, id);
    }
  },
};

const parseAccount = (session: Session, name: string) => parseObjectName(name, 'ServiceAccount', session);

async function accountOf(session: Session, text: string): Promise<AccessSubject> {
  const key = parseObjectName(text, 'pod', session);
  try {
    const pod = await createResource<unknown>(session.kube, coreKinds.pods).get(key, {
      signal: session.signal,
      fields: wholeObject,
    });
    const name = textAt(pod, 'spec.serviceAccountName');
    if (name !== '') return { namespace: key.namespace, name };
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
    throw new CommandProblem(`there is no pod ${text}`);
  }
  throw new CommandProblem(`pod ${text} has no ServiceAccount, and gets no identity`);
}

async function checkAccess(
  session: Session,
  subject: AccessSubject,
  identity: string,
): Promise<AccessResult> {
  const targets = await readTargets(session, identity);
  const [rights, rules] = await Promise.all([openRights(session), rulesOf(session)]);
  const review = createReviews(rights, session);
  const verdicts = await Promise.all(targets.map((target) => review(subject, target)));
  return {
    object: { serviceAccount: subject, source: rights.source, identities: verdicts.map(verdictObject) },
    print: (out) => {
      for (const { target, review: checked } of verdicts)
        for (const line of checkLines(subject, target, checked)) out.line(line);
    },
    notes: [...rights.notes, ...notesOn(rules)],
    code: rights.allowsAnybody
      ? exitCodes.problem
      : accessCodeOf(new Set(verdicts.map(({ review: { kind } }) => kind))),
  };
}

async function listAccess(session: Session, subject: AccessSubject): Promise<AccessResult> {
  const [rights, { identities, notes }, rules] = await Promise.all([
    openRights(session),
    readIdentityTargets(session, subject.namespace),
    rulesOf(session),
  ]);
  const review = createReviews(rights, session);
  const found = await Promise.all(
    identities.map(async ({ target, by }) => {
      return { ...verdictObject(await review(subject, target)), by };
    }),
  );
  return {
    object: { serviceAccount: subject, source: rights.source, identities: found },
    print: (out) =>
      out.table({
        columns: [
          { name: 'RIGHT' },
          { name: 'AZUREIDENTITIES' },
          { name: 'RESOURCE' },
          { name: 'NAME' },
          { name: 'RIGHT ON', isWide: true },
        ],
        rows: found.map(({ right, by, resource, name, on = '' }) => [
          right,
          by.join(','),
          resource,
          name,
          on,
        ]),
      }),
    notes: [...rights.notes, ...notes, ...notesOn(rules)],
    code: found.some(({ right }) => right === 'unknown') ? exitCodes.unknown : exitCodes.ok,
  };
}
