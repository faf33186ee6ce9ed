export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Server-sent events as they come: the text is cut anywhere, and the last event may be incomplete. */
export class EventReader {
  #rest = '';

  read(text: string): readonly ServerEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap(eventOf);
  }
}

function eventOf(block: string): readonly ServerEvent[] {
  const lines = block.split('\n');
  const values = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ''));
  const data = values('data');
  // A comment keeps the connection open.
  return data.length === 0 ? [] : [{ event: values('event')[0] ?? 'message', data: data.join('\n') }];
}
