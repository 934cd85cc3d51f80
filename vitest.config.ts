import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const packages = ['protocol', 'relay', 'node-server', 'client', 'testkit', 'bench', 'udp-native', 'udp-session'];

/** Tests run on the sources of every package, so that a change needs no build and coverage sees every line. */
const alias = packages.flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            find: new RegExp(`^@millrace/${name}${path.slice(1)}$`),
            replacement: `${root}packages/${name}/${target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')}`,
          },
        ],
  );
});

const project = (name: string, folder: string) => ({
  resolve: { alias },
  test: {
    name,
    root: `${root}${folder}`,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
  },
});

export default defineConfig({
  test: {
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      exclude: [
        '**/src/gen/**',
        '**/src/spec/**',
        '**/*.test.ts',
        '**/*.d.ts',
        'packages/testkit/**',
        'packages/bench/**',
      ],
      reporter: ['json-summary'],
      reportsDirectory: `${root}coverage`,
    },
    projects: [
      ...packages.map((name) => project(name, `packages/${name}`)),
      project('cli', 'apps/cli'),
      ...(existsSync(`${root}tests`)
        ? [
            {
              ...project('e2e', 'tests'),
              test: { ...project('e2e', 'tests').test, include: ['**/*.test.ts'], testTimeout: 120_000 },
            },
          ]
        : []),
    ],
  },
});
