// Room: `bootstrap.mjs chaos`: MICs, NMIs and the simulator as processes, with faults from a seed.
// It must not import the services: it starts the built programs.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, type Arguments } from './arguments.ts';
import { reportLines, sumLines, type Report } from './report.ts';
import { run } from './run.ts';

const given = readArguments(process.argv.slice(2));
process.exitCode = await main(given);

async function main(asked: Arguments): Promise<number> {
  switch (asked.kind) {
    case 'wrong':
      console.error(asked.message);
      return 2;
    case 'sum':
      for (const line of sumLines(asked.files.map(readReport))) console.log(line);
      return 0;
    case 'run':
      return runOnce(asked);
  }
}

function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

async function runOnce({ seed, minutes, json, logs }: Extract<Arguments, { kind: 'run' }>): Promise<number> {
  if (logs !== undefined) mkdirSync(logs, { recursive: true });
  const report = await run({
    seed,
    minutes,
    say: (text) => console.error(`› ${text}`),
    onLine: (service, line) => {
      if (logs !== undefined) appendFileSync(join(logs, `${service.replaceAll(' ', '-')}.log`), `${line}\n`);
    },
  });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  for (const line of reportLines(report)) console.log(line);
  return report.violations.length === 0 ? 0 : 1;
}
