// Writes what each entry of the published libraries exports into packages/LIBRARY/api/ENTRY.api.md, so that a review sees a changed
// interface. With --check fails if a report is not current. Needs a build.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { publishedLibraries, repository } from '../stage/places.ts';

const isCheck = process.argv.includes('--check');

const stale = publishedLibraries.flatMap((library) =>
  entriesOf(library)
    .filter((entry) => !isCurrent(library, entry))
    .map(({ name }) => `${library}/${name}`),
);
if (stale.length > 0) {
  console.error(
    `the exports of ${stale.join(', ')} are not those of the report: run node tools/checks/api-reports.ts after a build, and review what changed`,
  );
  process.exit(1);
}
console.log(`exports of the published libraries: ${isCheck ? 'as reported' : 'reports written'}`);

interface Entry {
  /** Such as `index` or `parse`. */
  readonly name: string;
  /** The declarations, relative to the library. */
  readonly types: string;
}

function entriesOf(library: string): Entry[] {
  const text = readFileSync(join(repository, 'packages', library, 'package.json'), 'utf8');
  const { exports } = JSON.parse(text) as { exports: Record<string, { import?: { types?: string } }> };
  return Object.entries(exports).flatMap(([path, { import: entry }]) =>
    entry?.types === undefined ? [] : { name: path.slice(2) || 'index', types: entry.types },
  );
}

function isCurrent(library: string, { name, types }: Entry): boolean {
  const projectFolder = join(repository, 'packages', library);
  const compilerOptions = { target: 'es2022', lib: ['es2023', 'dom'], types: ['node'], strict: true };
  const configObject = {
    projectFolder,
    mainEntryPointFilePath: join(projectFolder, types),
    compiler: { overrideTsconfig: { compilerOptions, files: [join(projectFolder, types)] } },
    apiReport: {
      enabled: true,
      reportFolder: join(projectFolder, 'api'),
      reportTempFolder: join(repository, 'node_modules/.cache/pod-identity/api-reports', library),
      reportFileName: name,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: { extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } } },
  };
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  return succeeded && !(isCheck && apiReportChanged);
}
