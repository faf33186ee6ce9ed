// `nmi check-federated`, in a pod of the broker: whether an AzureIdentity would get tokens as type 3, before it is changed. Nobody gets the token.
import { info, inPlugIn, findingLines, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { createPrinter, printWhole, systemClock as clock } from '@pod-identity/kit/serve';
import { readAssertion } from '../broker-service/assertion.ts';
import { createExchange, type ExchangeOptions } from '../broker-service/exchange.ts';
import { readTokenFile } from '../broker/token-file.ts';
import type { BrokerRefusal } from '../broker/wire.ts';
import type { FederatedCheck, NmiConfig } from '../config/config.ts';
import { createEntraClient } from '../tokens/principal/entra-client.ts';
import { createEntraHttp } from '../tokens/principal/entra-http.ts';
import { requestReady, type ReadyResult } from './check-ready.ts';

export interface CheckOptions extends Pick<ExchangeOptions, 'entra' | 'loginHost' | 'clock' | 'random'> {
  readonly wanted: FederatedCheck;
  /** Of the broker's own token, which `readToken` reads. */
  readonly audience: string;
  readonly readToken: () => Promise<string>;
  /** Whether the broker of this pod is ready. */
  readonly replica: () => Promise<ReadyResult>;
  readonly signal: AbortSignal;
}

export interface CheckResult {
  /** 0 if there is a token, 1 if not, 2 if that could not be determined. */
  readonly code: 0 | 1 | 2;
  readonly lines: readonly string[];
}

/** Returns the exit code. */
export async function checkFederatedCommand(
  { brokerService, probe }: NmiConfig,
  { wanted, signal }: Pick<CheckOptions, 'wanted' | 'signal'>,
): Promise<number> {
  const { cloud, loginHost, assertionFile } = brokerService;
  const http = createEntraHttp();
  const { code, lines } = await checkFederated({
    wanted,
    entra: createEntraClient(http, clock),
    loginHost: loginHost === '' ? cloud.loginHost : loginHost,
    audience: cloud.audience,
    readToken: () => readTokenFile(assertionFile),
    replica: () => requestReady({ probe }),
    clock,
    random: Math.random,
    signal,
  });
  http.close();
  const printer = createPrinter((line) => printWhole(`${line}\n`));
  for (const line of lines) printer.line(line);
  return code;
}

export async function checkFederated(options: CheckOptions): Promise<CheckResult> {
  const { wanted, audience, readToken, replica, signal } = options;
  const { tenant, clientId, resource } = wanted;
  const readOwn = () => readAssertion(readToken, audience);
  const exchange = createExchange({ ...options, readAssertion: readOwn, onExchanged: () => undefined });
  const [obtained, ready] = await Promise.all([
    exchange.get({ tenant, clientId, resource }, { namespace: '', pod: '' }, signal),
    replica(),
  ]);
  const token = 'code' in obtained ? refusedBy(obtained, options) : given(wanted);
  const findings = [replicaFinding(ready), token];
  const result = conclude(findings);
  const lines = findingLines(`federated identity ${tenant}/${clientId}`, [
    ...findings,
    rightsOf(wanted),
    result,
  ]);
  return { code: codes[result.verdict], lines };
}

const codes = { ok: 0, info: 0, problem: 1, waiting: 2 } as const;

function replicaFinding({ code, lines }: ReadyResult): Finding {
  if (code === 0) return ok('pod', 'the broker of this pod is ready');
  return problem('pod', `the broker of this pod is not ready: ${lines.join('; ')}`);
}

function given({ resource }: FederatedCheck): Finding {
  return ok('identity', `Microsoft Entra gave the broker a token for ${resource}, which was thrown away`);
}

function refusedBy({ code, message, credential }: BrokerRefusal, { loginHost }: CheckOptions): Finding {
  if (credential !== undefined)
    return problem('identity', message, { text: 'create it', command: credential });
  if (code === 'entra_refused')
    return problem('identity', message, {
      text: `check tenant, client id and resource. The broker uses ${loginHost} (--broker-cloud), and no tenant of another cloud`,
    });
  return waiting('identity', message, {
    text: `run this again. If it stays, check that the broker reaches ${loginHost} and that Microsoft Entra can read the issuer of the cluster`,
  });
}

/** Of pods, which the broker does not read. */
function rightsOf({ tenant, clientId }: FederatedCheck): Finding {
  const target = `federatedidentities/${tenant}/${clientId}`;
  return info('access', `not checked here: whether the ServiceAccount of each pod has the right ${target}`, {
    text: 'kubectl azure-pod-identity access -A shows those of all pods; for one ServiceAccount',
    command: inPlugIn(`access NAMESPACE/SERVICEACCOUNT ${target}`),
  });
}

function conclude(findings: readonly Finding[]): Finding {
  const has = (verdict: Finding['verdict']) => findings.some((finding) => finding.verdict === verdict);
  if (has('problem'))
    return problem('result', 'as type 3 it would get no token: leave the AzureIdentity as it is');
  if (has('waiting'))
    return waiting('result', 'not known whether it would get a token: leave the AzureIdentity as it is');
  return ok('result', 'as type 3 it gets tokens for the pods whose ServiceAccount has the right');
}
