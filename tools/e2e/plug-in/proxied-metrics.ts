// The metrics of an NMI that runs as a process, as the API server's proxy reaches them: as those of a pod of the DaemonSet.
import { networkInterfaces } from 'node:os';
import { setPodStatus } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { parseLine } from '../../stage/service.ts';
import type { Stage, StageNmi } from '../../stage/stage.ts';
import { runProgram } from '../access/commands.ts';

/** `pod`: one of `placeAgents`. Returns the flag that the DaemonSet must have. */
export async function exposeMetrics(
  { kube }: Pick<Stage, 'kube'>,
  { service }: Pick<StageNmi, 'service'>,
  pod: string,
): Promise<string> {
  const line = await service.line((text) => {
    const { msg, role } = parseLine(text);
    return msg === 'admin server listening' && role === 'metrics';
  });
  const podIP = await ownAddress();
  const metadata = { namespace: names.systemNamespace, name: pod };
  await setPodStatus(kube, { apiVersion: 'v1', kind: 'Pod', metadata }, { podIP, podIPs: [{ ip: podIP }] });
  return `--prometheus-port=${String(parseLine(line)['port'])}`;
}

/** The API server's proxy goes to no loopback address. */
async function ownAddress(): Promise<string> {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (own) return own.address;
  const address = '192.0.2.99';
  const { code, errors } = await runProgram('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo'], {
    env: { PATH: process.env['PATH'] },
  });
  if (code !== 0) throw new Error(`this machine has no address but those of loopback: ${errors}`);
  return address;
}
