// The server-sent events of one page.
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '@pod-identity/kit/core';
import { changeBetween } from './changes.ts';
import type { Picture } from './picture.ts';
import type { Pictures } from './picture-feed.ts';

/** A page that hears nothing cannot tell a quiet cluster from a command that is gone. */
const keepAliveMs = 15_000;

/**
 * Sends a picture, then changes. A page that reads slowly gets no more until it has read what was sent, and then the change from the picture
 * that it has: the memory that it takes does not grow. One that reads nothing from one keep-alive to the next but one is closed.
 */
export function sendPictures(response: ServerResponse, pictures: Pictures, clock: Clock): void {
  let [sent, told]: [Picture?, string?] = [];
  let isFull = false;
  let silent = 0;
  let timer: Timer | undefined;
  const write = (text: string) => void (isFull = !response.write(text) || isFull);
  const send = () => {
    if (isFull) return;
    const [latest, problem] = [pictures.latest(), pictures.problem()];
    const event = latest && latest !== sent ? eventFor(sent, latest) : '';
    sent = latest;
    if (event !== '') write(event);
    if (problem !== told) {
      told = problem;
      write(textOf('problem', { text: problem ?? '' }));
    }
  };
  const keepAlive = () => {
    silent = isFull ? silent + 1 : 0;
    if (silent > 1) response.destroy();
    else if (!isFull) write(': keep-alive\n\n');
    timer = clock.after(keepAliveMs, keepAlive);
  };
  response.on('drain', () => {
    isFull = false;
    send();
  });
  const stop = pictures.onChange(send);
  response.on('close', () => {
    stop();
    timer?.cancel();
  });
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  timer = clock.after(keepAliveMs, keepAlive);
  send();
}

/** All pages with the same picture get the same text. */
const texts = new WeakMap<Picture, WeakMap<Picture, string>>();

function eventFor(before: Picture | undefined, after: Picture): string {
  if (before === undefined) return textOf('picture', after);
  const known = texts.get(after) ?? new WeakMap<Picture, string>();
  texts.set(after, known);
  const text = known.get(before) ?? changeText(before, after);
  known.set(before, text);
  return text;
}

/** Empty if both show the same. */
function changeText(before: Picture, after: Picture): string {
  const change = changeBetween(before, after);
  return change === undefined ? '' : textOf('change', change);
}

/** JSON has no line breaks. */
const textOf = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
