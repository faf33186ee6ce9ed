const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // micro sign
  μs: 1e-3, // Greek mu
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

/** Go's duration syntax ("1m30s", "500ms", "1.5h", "0") in milliseconds; undefined if invalid. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const amount = text.replace(/^[+-]/, '');
  if (amount === '0') return 0;
  let ms = 0;
  const rest = amount.replace(part, (_, value: string, unit: string) => {
    ms += Number(value) * (unitMs[unit] ?? Number.NaN);
    return '';
  });
  return amount === '' || rest !== '' ? undefined : sign * ms;
}

/** The shortest form in Go's duration syntax: 90000 is "1m30s". */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`].filter(Boolean).join('');
}
