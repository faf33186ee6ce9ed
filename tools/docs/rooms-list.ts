// The list of rooms in docs/contributor/architecture.md: from the list of rooms and the first line of each room's head file.
import { existsSync, readFileSync } from 'node:fs';
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

/** Entries of a Markdown list, from paths relative to the folder of the page. What a room must not do stands in its head file. */
export function roomsList(rooms: readonly Room[]): readonly string[] {
  return rooms.map((room) => {
    const file = headFile(room);
    const lines = file === undefined ? undefined : roomLines(readFileSync(file, 'utf8'));
    if (!lines) throw new Error(`${file ?? room.folder}: begins without the two lines on the room`);
    const name = room.folder.replace(/^packages\//, '').replace('/src', '');
    return `- [${name}](../../${room.folder})${pureOf(room)}: ${lines.purpose}`;
  });
}

function pureOf({ pure = [] }: Room): string {
  if (pure === 'all') return ' (pure)';
  return 'except' in pure || pure.length > 0 ? ' (partly pure)' : '';
}
