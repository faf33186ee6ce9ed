// The options of `npm start`. Plain JavaScript, because bootstrap.mjs refuses wrong ones on Node 20, before it installs anything.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

const options = /** @type {const} */ ({
  keep: { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  2018: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
});

const usage = `Usage: npm start -- [--keep] [--kubeconfig FILE] [--2018] [--verbose]

  --keep             leaves all of it running, and prints how to use it
  --kubeconfig FILE  uses a real API server instead of the simulated one
  --2018             applies the YAML of the original's announcement article
  --verbose          shows every log line of every program
  --help             shows this`;

/**
 * The options; or, for `--help` and wrong options, what to print instead of running the demo, and the exit code.
 * @param {readonly string[]} args
 */
export function readArguments(args) {
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return { text: usage, code: 0 };
    const { kubeconfig } = values;
    if (kubeconfig === undefined || existsSync(kubeconfig)) return { values };
    return wrong(`there is no file ${kubeconfig}`);
  } catch (error) {
    // Node.js goes on with advice on arguments that begin with a hyphen.
    const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    return wrong(problem);
  }
}

/**
 * The options that npm takes as its own where `--` is missing, as in `npm start --keep`.
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function takenByNpm(env) {
  // Of `--kubeconfig FILE` npm takes the option alone, and passes FILE on, which has to follow.
  return ['2018', 'keep', 'kubeconfig'].flatMap((name) => {
    const value = env[`npm_config_${name}`];
    if (!value) return [];
    return [value === 'true' ? `--${name}` : `--${name}=${value}`];
  });
}

/** @param {string} problem */
const wrong = (problem) => ({ text: `npm start: ${problem}\n\n${usage}`, code: 2 });
