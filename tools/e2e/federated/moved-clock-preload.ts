// Loaded by Node.js before a broker (`node --import`): at SIGUSR2 the time since its start is 21 days more, so that it renews its certificate.
const dayMs = 24 * 60 * 60_000;
const sinceStart = performance.now.bind(performance);
process.on('SIGUSR2', () => {
  performance.now = () => sinceStart() + 21 * dayMs;
});
