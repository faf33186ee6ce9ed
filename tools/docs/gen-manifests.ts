// Renders each overlay of deploy/overlays/infra to the file of the same name in deploy/infra, with `kubectl kustomize`; --check prints
// which file is stale instead, and fails. Without kubectl it does nothing, and says so.
import { readFileSync } from 'node:fs';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { stringify } from 'yaml';
import { kustomize, overlays } from '../stage/kustomize.ts';
import { inDeploy } from '../stage/places.ts';
import { settle } from './generated-files.ts';

const rendered = 'overlays/infra/';

function fileOf(overlay: string) {
  // By our own library: versions of kubectl indent lists differently.
  const options = { singleQuote: true, lineWidth: 0, aliasDuplicateObjects: false };
  const documents = kustomize(overlay).map((object) => stringify(object, options));
  return {
    path: `deploy/infra/${overlay.slice(rendered.length)}.yaml`,
    text: `${purposeOf(overlay)}# Made by \`node tools/docs/gen-manifests.ts\` from deploy/${overlay}: change it there.\n${documents.join('---\n')}`,
  };
}

/** The comment at the top of the kustomization. */
function purposeOf(overlay: string): string {
  const [purpose = ''] =
    /^(#.*\n)*/.exec(readFileSync(inDeploy(`${overlay}/kustomization.yaml`), 'utf8')) ?? [];
  return purpose;
}

const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.log(`the manifests in deploy/infra are not checked: ${missing}`);
else
  settle(
    overlays()
      .filter((overlay) => overlay.startsWith(rendered))
      .map(fileOf),
    { command: 'node tools/docs/gen-manifests.ts', noun: 'manifests' },
  );
