// Folders, like files, import each other in one direction. A configuration of its own, because a test beside its file may import
// helpers from anywhere, and the cruiser sums up whole folders: tests are left out before it does.
import cruiser from './.dependency-cruiser.mjs';

export default {
  forbidden: [
    {
      name: 'no-folder-circle',
      comment: 'The files at the top of a folder may import from its subfolders, and these from the top.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    ...cruiser.options,
    exclude: { path: ['(^|/)(dist|node_modules)/', '\\.test(-d)?\\.ts$', '/test/'] },
    metrics: true,
  },
};
