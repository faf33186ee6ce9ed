import { parseEndpoint } from './endpoint.ts';
import { createNodeTransport } from './node-transport.ts';
import { checkOptions, known } from './request.ts';
import type { FlightRules } from './single-flight.ts';
import { startTimer, systemClock } from './timers.ts';
import type { Clock, ImdsClientOptions } from './types.ts';

type Given = Required<Omit<ImdsClientOptions, 'testing' | 'tolerateClockSkew' | 'deadlineMs'>>;

/** The options of a client, complete and checked. */
export interface Settings extends FlightRules, Readonly<{ [Name in keyof Given]: NonNullable<Given[Name]> }> {
  readonly tolerateClockSkew: boolean | undefined;
  readonly clock: Required<Clock>;
  readonly random: () => number;
}

export const clientOptions = known(
  'endpoint apiVersion transport maxRetries requestTimeoutMs deadlineMs cache maxCacheEntries tolerateClockSkew testing',
);

/** @throws TypeError - an option is invalid, or the variable of the environment that stands in for one */
export function readSettings(options: ImdsClientOptions): Settings {
  const { apiVersion = '2018-02-01', cache = true, tolerateClockSkew, testing = {} } = options;
  checkOptions(testing, known('clock random'));
  const { clock = systemClock, random = Math.random } = testing;
  const endpoint = endpointOf(options.endpoint);
  const own = {
    now: () => clock.now(),
    elapsed: () => clock.elapsed?.() ?? clock.now(),
    sleep: (...wait: Parameters<Clock['sleep']>) => clock.sleep(...wait),
  };
  const { transport = createNodeTransport(endpoint) } = options;
  if (typeof transport !== 'function') throw new TypeError('transport must be a function like fetch');
  const more = { transport, ...readNumbers(options) };
  return { endpoint, apiVersion, cache, tolerateClockSkew, startTimer, clock: own, random, ...more };
}

function readNumbers(options: ImdsClientOptions) {
  const { maxRetries = 4, requestTimeoutMs = 40_000, deadlineMs = 90_000, maxCacheEntries = 1000 } = options;
  wholeNumber('maxRetries', maxRetries, 0);
  wholeNumber('maxCacheEntries', maxCacheEntries, 1);
  duration('requestTimeoutMs', requestTimeoutMs);
  duration('deadlineMs', deadlineMs);
  return { maxRetries, requestTimeoutMs, deadlineMs, maxCacheEntries };
}

/** The variable that Azure's own SDKs read, too. */
export const endpointVariable = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';

/** The base address of an option, else of the environment, else of Azure. */
export function endpointOf(option: string | undefined): string {
  if (option !== undefined) return parseEndpoint(option, 'endpoint');
  const value = typeof process === 'object' ? (process.env[endpointVariable] ?? '') : '';
  return value === '' ? 'http://169.254.169.254' : parseEndpoint(value, endpointVariable);
}

/** A timer of more milliseconds ends at once. */
const longestTimerMs = 2 ** 31 - 1;

/** @throws TypeError - no number of milliseconds that a timer can wait */
export function duration(name: string, value: unknown): void {
  if (typeof value === 'number' && value > longestTimerMs)
    throw new TypeError(`${name} must be at most ${longestTimerMs} milliseconds, not ${value}`);
  wholeNumber(name, value, 1);
}

function wholeNumber(name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  const given = `${typeof value} ${String(value)}`;
  throw new TypeError(`${name} must be a whole number of at least ${least}, not ${given}`);
}
