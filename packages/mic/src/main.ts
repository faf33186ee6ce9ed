// Room: MIC as a process: main.ts reads arguments and environment, run.ts names what runs, reconcile.ts is one pass over a host.
// It must not read arguments or the environment anywhere but in main.ts.
import { hostname } from 'node:os';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 21)) {
  console.error(`MIC needs Node 22.21 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

// Imported late: on an old Node this import fails, and the version is checked before.
const { runMic } = await import('./run.ts');
const [, , ...argv] = process.argv;
process.exitCode = await runMic({ argv, env: process.env, hostname: hostname() });
