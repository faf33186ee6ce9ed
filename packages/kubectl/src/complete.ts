#!/usr/bin/env node
// What kubectl runs to complete a command line of the plug-in: https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
import { completionLines } from './cli/completion.ts';
import { commands } from './commands.ts';

console.log(completionLines(commands, process.argv.slice(2)).join('\n'));
