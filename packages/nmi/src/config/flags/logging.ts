import { klogFlags, klogNote } from '@pod-identity/kit/core';
import { added, atLeast0, changed, dropped, kept, type NmiFlag } from './flag.ts';

/** The log. */
export const loggingFlags: readonly NmiFlag[] = [
  kept({
    name: 'log-format',
    kind: 'string',
    default: 'text',
    choices: ['text', 'json'],
    help: 'Format of log lines.',
  }),
  added(
    {
      name: 'log-level',
      kind: 'string',
      default: 'info',
      choices: ['debug', 'info', 'warn', 'error'],
      help: 'Minimum level that is logged.',
    },
    'replaces klog levels',
  ),
  changed(
    { name: 'v', ...atLeast0, default: 0, help: '5 or more: same as --log-level debug.' },
    'there are no klog levels in between',
  ),
  ...klogFlags.map((flag) => dropped(flag, klogNote)),
  dropped({ name: 'custom-user-agent', kind: 'string', default: '' }, 'the user agent is fixed'),
  dropped(
    { name: 'enableProfile', kind: 'boolean', default: false },
    'there is no profiling port; Node has --inspect',
  ),
];
