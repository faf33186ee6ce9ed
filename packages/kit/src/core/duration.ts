/** Go's duration syntax ("1m30s", "500ms", "1.5h", "0") in milliseconds; undefined when it is not one. */
export function parseDuration(text: string): number | undefined { throw new Error('soon'); }
/** Milliseconds in Go's duration syntax, as short as it goes: 90000 is "1m30s". */
export function formatDuration(ms: number): string { throw new Error('soon'); }
