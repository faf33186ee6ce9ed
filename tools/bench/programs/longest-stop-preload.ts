// Prints on SIGUSR2 how long the event loop of the program was held up at most since the last time, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  console.log(JSON.stringify({ msg: 'longest stop', ms: delay.max / 1e6 }));
  delay.reset();
});
