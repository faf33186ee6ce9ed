import { render, type FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { App } from './app.tsx';
import { connect, type Source } from './connection.ts';
import { fragmentOf, takeToken, viewOf, type View } from './view.ts';

const storedToken = 'pod-identity-token';

/** The token leaves the address bar, which is shown to others and kept in the history. */
function readToken(): string {
  const { token, rest } = takeToken(location.hash);
  if (token !== undefined) {
    sessionStorage.setItem(storedToken, token);
    replaceFragment(rest);
  }
  return token ?? sessionStorage.getItem(storedToken) ?? '';
}

function replaceFragment(fragment: string): void {
  history.replaceState(null, '', `${location.pathname}${fragment === '' ? '' : `#${fragment}`}`);
}

const Page: FunctionComponent<{ readonly source: Source }> = ({ source }) => {
  const [view, setView] = useState(() => viewOf(location.hash));
  useEffect(() => {
    const changed = (): void => {
      // A new address of the command, opened in the same tab: connect again, with its token.
      if (takeToken(location.hash).token === undefined) setView(viewOf(location.hash));
      else location.reload();
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  const change = (part: Partial<View>): void => {
    const next = { ...view, ...part };
    replaceFragment(fragmentOf(next));
    setView(next);
  };
  return <App source={source} view={view} change={change} />;
};

const root = document.getElementById('root');
if (root !== null) render(<Page source={connect(readToken())} />, root);
