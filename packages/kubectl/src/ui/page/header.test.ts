import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { expect, test } from 'vitest';
import { smallPicture } from '../../../test/pictures.ts';
import { Header } from './header.tsx';
import { wholeView } from './view.ts';

test('where commands go is said above all that shows some, if not to the cluster of the picture', () => {
  const source = {
    follow: () => undefined,
    story: () => Promise.reject(new Error()),
    checks: () => Promise.reject(new Error()),
  };
  const head = (clusterNote?: string) =>
    renderToString(
      h(Header, {
        picture: { ...smallPicture, clusterNote },
        view: wholeView,
        change: () => undefined,
        problem: '',
        source,
        copy: () => undefined,
      }),
    );
  expect(head('add --context=staging <b>')).toContain('>Add --context=staging &lt;b>.</p>');
  expect(head()).not.toContain('--context');
});
