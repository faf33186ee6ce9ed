// Memory and event loop of each process, from its own metrics.
import { parseLine, type Service } from '../../stage/service.ts';
import type { World } from './world.ts';

const patienceMs = 30_000;

export async function recordResources({ processes, recorder }: World): Promise<void> {
  for (const service of processes.running()) {
    const text = await metricsOf(service);
    recorder.resources({
      service: service.name,
      memoryMiB: Math.round(valueOf(text, 'process_resident_memory_bytes') / 2 ** 20),
      lagMs: Math.round(valueOf(text, 'nodejs_eventloop_lag_p99_seconds') * 1_000),
    });
  }
}

async function metricsOf(service: Service): Promise<string> {
  const line = await service.line((text) => parseLine(text)['role'] === 'metrics');
  const { address = '127.0.0.1', port } = parseLine(line) as { address?: string; port: number };
  const answer = await fetch(`http://${address}:${port}/metrics`, {
    signal: AbortSignal.timeout(patienceMs),
  });
  return answer.text();
}

function valueOf(text: string, name: string): number {
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`no metric ${name}`);
  return Number(value);
}
