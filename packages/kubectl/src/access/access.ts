// Room: who may use which Azure identity, and who does: `access`.
// It must not grant anything, or decide what policy decides.
import type { AccessSubject } from '@pod-identity/crd-types';
import { coreKinds } from '@pod-identity/kit/kube';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { isForPrograms } from '../print/output.ts';
import { parseObjectName } from '../cli/arguments.ts';
import { textAt } from '../cluster/fields.ts';
import { getAllowed } from '../cluster/lists.ts';
import { readHolders } from './holders.ts';
import { readIdentityTargets } from './identities.ts';
import { notesOn, rulesOf } from './modes.ts';
import { openRights } from './rights.ts';
import { identityArgument, readTargets } from './target.ts';
import { readUses } from './uses.ts';
import { createReviews, verdictObject, type AccessResult, type Right } from './verdicts.ts';

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
      return readAccount(session, await subjectOf(session, name, pod === true), id);
    }
  },
};

async function subjectOf(session: Session, text: string, isPod: boolean): Promise<AccessSubject> {
  const key = parseObjectName(text, isPod ? 'pod' : 'ServiceAccount', session);
  if (!isPod) return key;
  const pod = await getAllowed({ ...session, kind: coreKinds.pods, ...key });
  if (pod.kind === 'not-read')
    throw new CommandProblem(pod.why === 'absent' ? `there is no pod ${text}` : pod.text);
  const name = textAt(pod.object, 'spec.serviceAccountName');
  if (name === '') throw new CommandProblem(`pod ${text} has no ServiceAccount, and gets no identity`);
  return { namespace: key.namespace, name };
}

/** `id`: of this identity, whether it may be used; default: of all of them. */
async function readAccount(session: Session, subject: AccessSubject, id?: string): Promise<AccessResult> {
  const { identities, notes } =
    id === undefined
      ? await readIdentityTargets(session, subject.namespace)
      : { identities: (await readTargets(session, id)).map((target) => ({ target, by: [] })), notes: [] };
  const [rights, rules] = await Promise.all([openRights(session), rulesOf(session)]);
  const review = createReviews(rights, session);
  const found = await Promise.all(
    identities.map(async ({ target, by }) => ({ ...verdictObject(await review(subject, target)), by })),
  );
  const has = (right: Right) => found.some((one) => one.right === right);
  const isRefused = id !== undefined && (has('refused') || rights.allowsAnybody);
  return {
    object: { serviceAccount: subject, source: rights.source, identities: found },
    print: (out) => {
      out.table({
        columns: ['RIGHT', 'AZUREIDENTITIES', 'RESOURCE', 'NAME', 'RIGHT ON'].map((name) => ({ name })),
        rows: found.map(({ right, by, resource, name, on = '' }) => [
          right,
          by.join(','),
          resource,
          name,
          on,
        ]),
      });
      if (id === undefined) return;
      for (const { roles } of found)
        if (roles !== undefined)
          for (const line of ['', 'to allow it, kubectl apply -f - with:', ...roles.trimEnd().split('\n')])
            out.line(line);
    },
    notes: [...rights.notes, ...notes, ...notesOn(rules), ...new Set(found.flatMap(({ why = [] }) => why))],
    code: isRefused ? exitCodes.problem : has('unknown') ? exitCodes.unknown : exitCodes.ok,
  };
}
