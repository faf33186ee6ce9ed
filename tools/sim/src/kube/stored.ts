/** One version of one object. Its text is what the wire carries, made once; nothing of it ever changes. */
export interface Stored {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  /** The JSON of the object without kind and apiVersion: `{"metadata":{…},…}`. */
  readonly text: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What field selectors may ask. */
  readonly fields: Readonly<Record<string, string>>;
  /** UIDs of its owners. */
  readonly owners: readonly string[];
  readonly terminating: boolean;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly after: Stored;
  /** Absent for ADDED. */
  readonly before?: Stored;
}
