/** Maps of Kubernetes objects, whose keys users choose: V8 keeps such keys, and a layout of the object, for each of them. */
const isMapOfUsers = (key: string) => /(labels|annotations)$/i.test(key);

// In bytes, for V8 on 64 bits without pointer compression, rounded up; `packages/nmi/test/heap.long.test.ts` compares sums with the real heap.
const stringHeader = 24;
const ofObject = { header: 56, perKey: 12, perUserKey: 128 };
const ofArray = { header: 56, perItem: 12 };
const ofNumber = 16;
/** Where keys are indexes: an array with room for half more than the largest one, unless that is more than both of these. */
const ofIndexes = { perSlot: 9, spareSlots: 16, slots: 5_000, slotsPerKey: 27 };

/**
 * An upper bound for the heap, in bytes, that a value of JSON takes in V8, and about twice what it takes at most. Keys count as shared
 * between objects, except those of labels and annotations. A string that several objects share counts for each of them.
 */
export function heapBytes(value: unknown, key = ''): number {
  if (typeof value === 'string') return stringBytes(value);
  if (typeof value === 'number') return ofNumber;
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value))
    return value.reduce((sum: number, item) => sum + ofArray.perItem + heapBytes(item), ofArray.header);
  const isMap = isMapOfUsers(key);
  let sum = ofObject.header + (isMap ? indexBytes(Object.keys(value)) : 0);
  for (const [name, member] of Object.entries(value)) {
    sum += isMap ? ofObject.perUserKey + stringBytes(name) : ofObject.perKey;
    sum += heapBytes(member, name);
  }
  return sum;
}

/** Of the array in which V8 keeps the values of keys such as `2020`; most of it may be empty. */
function indexBytes(keys: readonly string[]): number {
  const indexes = keys.filter((key) => /^(?:0|[1-9]\d{0,9})$/.test(key)).map(Number);
  if (indexes.length === 0) return 0;
  const { perSlot, spareSlots, slots, slotsPerKey } = ofIndexes;
  const room = 1.5 * (Math.max(...indexes) + 1) + spareSlots;
  return perSlot * Math.min(room, Math.max(slots, slotsPerKey * indexes.length));
}

/** One character beyond Latin-1 doubles the whole string. */
function stringBytes(text: string): number {
  if (text === '') return 0;
  const width = /[\u0100-\uffff]/.test(text) ? 2 : 1;
  return stringHeader + text.length * width;
}
