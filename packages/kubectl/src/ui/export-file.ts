// `ui --export`: one picture in a file.
import { writeFile } from 'node:fs/promises';
import { aborted } from '@pod-identity/kit/core';
import { CommandProblem, exitCodes, type Session } from '../cli/command.ts';
import type { RenderExport } from './page/document.ts';
import type { Picture } from './picture.ts';
import { openLivePictures, type LivePictures } from './live-pictures.ts';

/** Overwrites the file. A new one is for its owner alone, as the page is. */
export async function writeExport(
  session: Session,
  file: string,
  loadRender: () => Promise<RenderExport>,
): Promise<number> {
  const [, format] = /\.(html|svg)$/.exec(file) ?? [];
  if (format !== 'html' && format !== 'svg')
    throw new CommandProblem(`--export must name a file that ends in .html or .svg, not ${file}`);
  const picture = await takePicture(await openLivePictures(session), session);
  const render = await loadRender();
  await writeFile(file, render(picture, format), { mode: 0o600 }).catch((error: unknown) => {
    throw new CommandProblem(`${file} cannot be written: ${String(error)}`);
  });
  for (const text of picture.unknown) session.err(`not known: ${text}`);
  return exitCodes.ok;
}

/** Who edits objects without pause keeps pods from being judged all at once. */
const longestMs = 30_000;

/** The first one of which all is judged, or the latest after this time. Rejects if the API server is lost before. */
export async function takePicture(
  { pictures, run }: LivePictures,
  { clock, signal: ended }: Pick<Session, 'clock' | 'signal'>,
): Promise<Picture> {
  const taken = Promise.withResolvers<Picture>();
  let isDue = false;
  const look = () => {
    const [latest, problem] = [pictures.latest(), pictures.problem()];
    if (latest !== undefined && (isDue || latest.pending === 0)) taken.resolve(withPending(latest));
    else if (problem !== undefined) taken.reject(new CommandProblem(problem));
  };
  pictures.onChange(look);
  const timer = clock.after(longestMs, () => {
    isDue = true;
    look();
  });
  const end = new AbortController();
  const signal = AbortSignal.any([ended, end.signal]);
  const running = run(signal);
  try {
    return await Promise.race([
      taken.promise,
      aborted(ended).then(() => Promise.reject(ended.reason as Error)),
    ]);
  } finally {
    timer.cancel();
    end.abort();
    await running;
  }
}

function withPending(picture: Picture): Picture {
  const { pending, unknown } = picture;
  return pending === 0
    ? picture
    : { ...picture, unknown: [...unknown, `${pending} pods were still being judged`] };
}
