import { klogFlags, klogNote } from '@pod-identity/kit/core';
import { added, atLeast0, changed, dropped, kept, type NmiFlag } from './flag.ts';

/** The log, its audit lines, and Events. */
export const loggingFlags: readonly NmiFlag[] = [
  added({
    name: 'audit',
    kind: 'boolean',
    default: true,
    help: 'Log the tokens issued: pod, identity, resource. The first one of each at once, further ones as a count, once a minute. Never the token.',
    why: 'records which pod used which identity',
  }),
  added({
    name: 'events',
    kind: 'boolean',
    default: true,
    help: 'Create an Event on a pod that is refused a token, at a limited rate.',
    why: 'owners of pods see the reason in kubectl describe pod',
  }),
  kept({
    name: 'log-format',
    kind: 'string',
    default: 'text',
    choices: ['text', 'json'],
    help: 'Format of log lines.',
  }),
  added({
    name: 'log-level',
    kind: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Minimum level that is logged.',
    why: 'replaces klog levels',
  }),
  changed({
    name: 'v',
    ...atLeast0,
    default: 0,
    help: '5 or more: same as --log-level debug.',
    why: 'there are no klog levels in between',
  }),
  ...klogFlags.map((flag) => dropped(flag, klogNote)),
  dropped({ name: 'custom-user-agent', kind: 'string', default: '' }, 'the user agent is fixed'),
  dropped(
    { name: 'enableProfile', kind: 'boolean', default: false },
    'there is no profiling port; Node has --inspect',
  ),
];
