// Responses to errors in the format of the original.
import type { FlagReading } from '@pod-identity/kit/core';
import type { CompatSettings } from '../../respond/compat.ts';

const unreadable =
  '--compat-errors answers failures as text: msal-node and msal for Python cannot read it (they expect JSON), and ' +
  'azidentity asks for 100 s before it gives up; --compat-errors=status has the original’s statuses with JSON';

export function compatOf(reading: FlagReading): CompatSettings['compatErrors'] {
  if (reading.word('compat-errors') === 'status') return 'status';
  return reading.boolean('compat-errors') ? 'text' : 'off';
}

export function compatWarnings(reading: FlagReading): string[] {
  const compat = compatOf(reading);
  const isIdle = reading.boolean('set-retry-after-header') && compat === 'off';
  return [
    ...(compat === 'text' ? [unreadable] : []),
    ...(isIdle
      ? ['--set-retry-after-header has no effect without --compat-errors: the header is always sent']
      : []),
  ];
}
