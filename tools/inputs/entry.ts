/** One input: a group of fields, headers or parameters that the same person writes and that are bounded together. */
export interface InputEntry {
  /** What it is, for a person. */
  readonly input: string;
  readonly readBy: 'MIC' | 'NMI' | 'MIC and NMI';
  /** Ids of what `inputsRead` finds in the code. Each belongs to exactly one entry. */
  readonly reads: readonly string[];
  readonly writer: string;
  /** Default: the limits of `reads`, from the code. */
  readonly largest?: string;
  readonly howMany: string;
  /** What one costs in time, memory, calls and lines. */
  readonly cost: string;
  readonly charged: string;
  /** What others lose at the bound. */
  readonly othersLose: string;
  /** Tests that write it at its bound while another namespace measures, by file: titles as in the file. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

/** One field, header or parameter that the code reads. */
export interface InputRead {
  readonly id: string;
  /** In bytes; undefined: see the entry. */
  readonly upTo: number | undefined;
}
