// The two lines at the head of each room.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Room } from '../workspace/rooms.mjs';

export interface RoomLines {
  /** What the room is for. */
  readonly purpose: string;
  readonly mustNot: string;
}

/** The two lines at the head of a file, which may be below the name of its interpreter, or undefined if it begins otherwise. */
export function roomLines(source: string): RoomLines | undefined {
  const [, purpose, mustNot] = /^(?:#!.*\n)?\/\/ Room: (.+)\n\/\/ It must not (.+)\n/.exec(source) ?? [];
  return purpose === undefined || mustNot === undefined ? undefined : { purpose, mustNot };
}

/** The head file of a room, or undefined if there is none. */
export function headFile({ folder, head }: Room, exists = existsSync): string | undefined {
  const parent = folder.endsWith('/src') ? [] : [basename(folder)];
  const names = head === undefined ? [...parent, 'index', 'main'] : [head];
  return names.map((name) => `${folder}/${name}.ts`).find((file) => exists(file));
}
