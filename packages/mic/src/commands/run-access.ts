// Runs `mic access` and `mic access-report`. Their output is for people and for `kubectl apply`, so it contains nothing else. No requests
// go to Azure.
import {
  accessTargetKey,
  parseAccessTarget,
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
import { lookAtCluster, type Looking } from './look.ts';

export type AboutAccess = Extract<MicCommand, { readonly kind: 'access' | 'access-report' }>;

export function isAboutAccess(command: MicCommand): command is AboutAccess {
  return command.kind === 'access' || command.kind === 'access-report';
}

/** Resolves to the exit code of an invalid command; else ends the process with the exit code. */
export async function runAccess(command: AboutAccess, config: MicConfig, userAgent: string): Promise<number> {
  const target = command.kind === 'access' ? targetOf(command.id) : undefined;
  if (typeof target === 'string') {
    console.error(`access: ${target}`);
    return 2;
  }
  const { forceNamespaced, namespaceShareBytes } = config;
  const log = createLog({
    component: 'mic',
    level: 'warn',
    destination: { write: (line) => console.error(line.trimEnd()) },
  });
  const run = async (signal: AbortSignal) => {
    const transport = await connectApiServer({ config, userAgent });
    const place = { forceNamespaced, namespaceShareBytes };
    const looking = { place, transport, clock: systemClock, log, signal };
    const printer = createPrinter((line) => printWhole(`${line}\n`));
    try {
      if (command.kind === 'access-report') return await accessReportCommand({ ...looking, printer });
      const { subject } = command;
      const inUse = () => targetsOf(looking, subject);
      const reviewer = createAccessReviewer(transport);
      return await accessCommand({ subject, target, inUse, reviewer, signal, printer });
    } finally {
      await transport.close().catch(() => undefined);
    }
  };
  await runProcess({ log, run });
  return 0;
}

/** Or the problem of the id. */
function targetOf(id: string | undefined): AccessTarget | string | undefined {
  const parsed = id === undefined ? undefined : parseAccessTarget(id);
  return parsed?.ok === false ? parsed.problems.map(({ message }) => message).join('; ') : parsed?.value;
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
