import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY, readSourceFiles } from '../support/source-files.ts';

const pages = readSourceFiles(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'sdk/**/*.md']);

test('links between pages lead somewhere', () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target = ''] of page.text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(REPOSITORY, dirname(page.path), target))) broken.push(`${page.path}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('scripts that pages name are there', () => {
  const [manifest] = readSourceFiles(['package.json']);
  const scripts = Object.keys(JSON.parse(manifest?.text ?? '{}').scripts);
  const unknown = pages.flatMap((page) =>
    [...page.text.matchAll(/npm run ([a-z:]+)/g)]
      .filter(([, name = '']) => !scripts.includes(name))
      .map(([found]) => `${page.path}: ${found}`),
  );
  assert.deepEqual(unknown, []);
});
