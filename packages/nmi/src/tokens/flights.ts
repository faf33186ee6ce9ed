export interface Flights<T> {
  /** The answer that is under way under this name, or else what `start` begins. */
  join(name: string, start: () => Promise<T>): Promise<T>;
}

/** One question at a time under each name; whoever comes meanwhile gets the same answer, or the same failure. */
export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Promise<T>>();
  return {
    join(name, start) {
      const running = flights.get(name);
      if (running) return running;
      const flight = start().finally(() => flights.delete(name));
      flights.set(name, flight);
      return flight;
    },
  };
}
