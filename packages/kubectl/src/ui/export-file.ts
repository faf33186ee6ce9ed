// `ui --export`: one picture in a file.
import { writeFile } from 'node:fs/promises';
import { aborted } from '@pod-identity/kit/core';
import { CommandProblem, exitCodes, type Session } from '../cli/command.ts';
import type { RenderExport } from './page/document.ts';
import type { Picture } from './picture.ts';
import { openScene } from './scene.ts';

/** Overwrites the file. A new one is for its owner alone, as the page is. */
export async function writeExport(
  session: Session,
  file: string,
  loadRender: () => Promise<RenderExport>,
): Promise<number> {
  const [, format] = /\.(html|svg)$/.exec(file) ?? [];
  if (format !== 'html' && format !== 'svg')
    throw new CommandProblem(`--export must name a file that ends in .html or .svg, not ${file}`);
  const picture = await takePicture(session);
  const render = await loadRender();
  await writeFile(file, render(picture, format), { mode: 0o600 }).catch((error: unknown) => {
    throw new CommandProblem(`${file} cannot be written: ${String(error)}`);
  });
  for (const text of picture.unknown) session.err(`not known: ${text}`);
  return exitCodes.ok;
}

/** The first one of which all is judged. Rejects if the API server is lost before. */
async function takePicture(session: Session): Promise<Picture> {
  const { pictures, run } = await openScene(session);
  const taken = Promise.withResolvers<Picture>();
  pictures.onNews(() => {
    const [latest, problem] = [pictures.latest(), pictures.problem()];
    if (latest?.pending === 0) taken.resolve(latest);
    else if (problem !== undefined) taken.reject(new CommandProblem(problem));
  });
  const end = new AbortController();
  const signal = AbortSignal.any([session.signal, end.signal]);
  const running = run(signal);
  try {
    return await Promise.race([
      taken.promise,
      aborted(session.signal).then(() => Promise.reject(session.signal.reason as Error)),
    ]);
  } finally {
    end.abort();
    await running;
  }
}
