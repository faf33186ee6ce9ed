// The command line: `--seed N --minutes M [--json FILE] [--logs FOLDER]`, or `--sum FILE …`.
import { parseArgs } from 'node:util';

export type Arguments =
  | {
      readonly kind: 'run';
      readonly seed: number;
      readonly minutes: number;
      readonly json: string | undefined;
      readonly logs: string | undefined;
    }
  | { readonly kind: 'sum'; readonly files: readonly string[] }
  | { readonly kind: 'wrong'; readonly message: string };

const usage =
  'usage: node tools/workspace/bootstrap.mjs chaos [--seed N] [--minutes M] [--json FILE] [--logs FOLDER] | --sum FILE …';

const options = {
  seed: { type: 'string' },
  minutes: { type: 'string' },
  json: { type: 'string' },
  logs: { type: 'string' },
  sum: { type: 'boolean' },
} as const;

export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values.sum) return { kind: 'sum', files: positionals };
    if (positionals.length > 0) return wrong(`${positionals.join(' ')}: files belong to --sum`);
    return readRun(values);
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

interface Values {
  readonly seed?: string | undefined;
  readonly minutes?: string | undefined;
  readonly json?: string | undefined;
  readonly logs?: string | undefined;
}

function readRun({ seed: seedText = '1', minutes: minutesText = '0.5', json, logs }: Values): Arguments {
  const [seed, minutes] = [Number(seedText), Number(minutesText)];
  if (!Number.isInteger(seed) || seed < 0)
    return wrong(`--seed must be a whole number from 0, not ${seedText}`);
  if (!(minutes > 0 && minutes <= 60))
    return wrong(`--minutes must be more than 0 and at most 60, not ${minutesText}`);
  return { kind: 'run', seed, minutes, json, logs };
}

const wrong = (message: string): Arguments => ({ kind: 'wrong', message: `${message}\n${usage}` });
