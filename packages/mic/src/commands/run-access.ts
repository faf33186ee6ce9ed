// Runs `mic access` and `mic access-report`. Their output is for people and for `kubectl apply`, so it contains nothing else. No requests
// go to Azure.
import {
  accessTargetKey,
  parseAccessTarget,
  problemTexts,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { createAccessReviewer } from '@pod-identity/kit/kube';
import { createLog, createPrinter, printWhole, runProcess, systemClock } from '@pod-identity/kit/serve';
import type { MicCommand, MicConfig } from '../config/config.ts';
import { identitiesInUse, usesOf } from '../tell/access-uses.ts';
import { accessCommand } from './access.ts';
import { accessReportCommand, machinesInUse } from './access-report.ts';
import { connectApiServer } from './connect.ts';
import { inTime } from './deadline.ts';
import { lookAtCluster, type Looking } from './look.ts';

export type AboutAccess = Extract<MicCommand, { readonly kind: 'access' | 'access-report' }>;

export function isAboutAccess(command: MicCommand): command is AboutAccess {
  return command.kind === 'access' || command.kind === 'access-report';
}

/** Resolves to the exit code of an invalid command; else ends the process with the exit code. */
export async function runAccess(command: AboutAccess, config: MicConfig, userAgent: string): Promise<number> {
  const id = command.kind === 'access' ? command.id : undefined;
  const parsed = id === undefined ? undefined : parseAccessTarget(id);
  if (parsed?.ok === false) {
    console.error(`access: ${problemTexts(parsed.problems).join('; ')}`);
    return 2;
  }
  for (const { message } of parsed?.warnings ?? []) console.error(`access: ${id ?? ''} ${message}`);
  const { forceNamespaced, namespaceShareBytes } = config;
  const log = createLog({
    component: 'mic',
    level: 'warn',
    destination: { write: (line) => console.error(line.trimEnd()) },
  });
  const runCommand = async (signal: AbortSignal) => {
    const transport = await connectApiServer({ config, userAgent });
    const rules = { forceNamespaced, namespaceShareBytes };
    const looking = { rules, transport, clock: systemClock, log, signal };
    const printer = createPrinter((line) => printWhole(`${line}\n`));
    try {
      if (command.kind === 'access-report') return await accessReportCommand({ ...looking, printer });
      const { subject } = command;
      const inUse = () => targetsOf(looking, subject);
      const reviewer = createAccessReviewer(transport);
      return await accessCommand({ subject, target: parsed?.value, inUse, reviewer, signal, printer });
    } finally {
      await transport.close().catch(() => undefined);
    }
  };
  const complain = console.error;
  const run = (signal: AbortSignal) => inTime({ clock: systemClock, signal, complain }, runCommand);
  await runProcess({ log, run });
  return 0;
}

/** The identities that pods of one ServiceAccount use now. */
export async function targetsOf(looking: Looking, subject: AccessSubject): Promise<readonly AccessTarget[]> {
  const index = await lookAtCluster(looking);
  const { using } = await machinesInUse(looking, index);
  const { uses } = usesOf([...identitiesInUse(index), ...using]);
  const own = uses.filter(
    ({ subject: user }) => user.namespace === subject.namespace && user.name === subject.name,
  );
  return [...new Map(own.map(({ target }) => [accessTargetKey(target), target])).values()];
}
