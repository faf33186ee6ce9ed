import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import { configs as ts } from 'typescript-eslint';
import prettier from 'eslint-config-prettier';
import { pureGlobs } from './tools/workspace/room-patterns.mjs';
import { rooms } from './tools/workspace/rooms.mjs';

const pure = pureGlobs(rooms);
const ambient = ['Date', 'process', 'fetch', 'setTimeout', 'setInterval', 'console'];
const restrictedSyntax = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Named exports only (tool configuration files excepted).',
  },
  {
    selector: 'ObjectExpression > SpreadElement > ObjectExpression',
    message: 'Write the properties themselves instead of the spread of a literal.',
  },
];

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '.nx/', '.stryker-tmp/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ts.strictTypeChecked,
  ts.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': ['error', ...restrictedSyntax],
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 45, skipBlankLines: true, skipComments: true, IIFEs: true }],
      complexity: ['error', 10],
      'max-depth': ['error', 3],
      'max-params': ['error', 3],
    },
  },
  {
    // A test file is a table of sentences: its length says nothing about the shape of the code.
    files: ['**/*.test.ts', '**/*.test-d.ts', '**/test/**/*.ts', 'tools/e2e/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 800, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests look into JSON that others sent; a wrong guess about its shape fails the test, which is the point.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: pure.files,
    ignores: [...pure.ignores, '**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...ambient.map((name) => ({ name, message: 'A pure file takes this as an argument.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'A pure file takes chance as an argument.' },
      ],
    },
  },
  {
    files: ['packages/nmi/src/{waiting,tokens}/**/*.ts'],
    // Their times are compared with those that are in tokens and assertions.
    ignores: [
      'packages/nmi/src/tokens/source.ts',
      'packages/nmi/src/tokens/metadata/imds-requests.ts',
      'packages/nmi/src/tokens/principal/entra-client.ts',
      '**/*.test.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...restrictedSyntax,
        {
          selector: "CallExpression[callee.property.name='now']",
          message: 'Measure durations by clock.elapsed(): the time of day can be set.',
        },
      ],
    },
  },
  {
    // What takes as long as its input says runs in a child, which can be killed.
    files: ['packages/nmi/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        ...['crypto', 'node:crypto'].map((name) => ({
          name,
          importNames: ['pbkdf2', 'pbkdf2Sync', 'scrypt', 'scryptSync', 'webcrypto', 'subtle'],
          message: 'Keys are derived by openssl alone (packages/nmi/src/tokens/principal/openssl.ts).',
        })),
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.config.ts'],
    extends: [ts.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['packages/**/*.mjs'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['*.ts'], message: 'Types are not checked in .mjs: make this file .ts.' }] },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
  prettier,
);
