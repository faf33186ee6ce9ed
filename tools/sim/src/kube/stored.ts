/** One version of one object, immutable. Its text is serialized once. */
export interface Stored {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  /** The JSON of the object without kind and apiVersion: `{"metadata":{…},…}`. */
  readonly text: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The values for field selectors. */
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
