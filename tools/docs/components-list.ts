// The list of deploy/components: the comment at the top of each kustomization.
import { readdirSync, readFileSync } from 'node:fs';

const folder = 'deploy/components';

/** The sentences of the comment that a file begins with. Throws if there is none. */
export function openingComment(file: string, text: string): string {
  const [comment = ''] = /^(#.*\n)*/.exec(text) ?? [];
  if (comment === '') throw new Error(`${file} does not begin with a comment on what it is for`);
  return comment.replaceAll(/^# ?/gm, '').trim().replaceAll('\n', ' ');
}

export function componentRows(): readonly string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const file = `${folder}/${name}/kustomization.yaml`;
      return `- [${name}](components/${name}/kustomization.yaml): ${openingComment(file, readFileSync(file, 'utf8'))}`;
    });
}
