// What the linter asks for, with the reason where it is not the usual one. Inline switches are off: a rule that is wrong for one place is
// wrong and is discussed here. Formatting is prettier's. Run by check.ts.
import { join } from 'node:path';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['{src,folders,test,scripts}/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: join(import.meta.dirname, '..', '..') },
    },
    rules: {
      // A promise that nobody waits for is mail that nobody notices losing.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          checkThenables: true,
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // `return promise` inside try leaves before the catch that was written for it.
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Most of our interfaces are kept by plain objects made in a function, which have no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      // An async function without await is how a method that may throw keeps its promise to reject instead.
      '@typescript-eslint/require-await': 'off',
      // Numbers in messages are fine; objects and unknowns are not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-var': 'error',
      'no-param-reassign': 'error',
      'no-return-assign': ['error', 'except-parens'],
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-eval': 'error',
      'default-case-last': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Type stripping cannot run enums: use a union of strings.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that defines it.' },
      ],
    },
  },
  {
    // What the program has to say goes to the log; only commands talk to a terminal.
    files: ['src/**/*.ts', 'folders/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: { 'no-console': 'error' },
  },
);
