import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImports, readSourceFiles, type SourceFile, type SourceImport } from '../support/source-files.ts';
import { FILE_EXCEPTIONS, LAYERS, NEVER, NODE_MODULES, PURE_NAMES } from './layers.ts';

const files = readSourceFiles(['src/**/*.ts']).filter((file) => !file.path.endsWith('.test.ts'));
const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** What is wrong with one import, or undefined. */
function judge(file: SourceFile, found: SourceImport): string | undefined {
  const from = folderOf(file.path);
  if (found.isRelative) return judgeFolder(file, from, found);
  if (found.isTypeOnly) return undefined;
  if (found.target.startsWith('node:')) return judgeNodeModule(from, found);
  const name = /^(@[^/]+\/)?[^/]+/.exec(found.target)?.[0] ?? '';
  if (LAYERS[from]?.packages.includes(name)) return undefined;
  return `the package ${name} is not one of ${from}'s: ${LAYERS[from]?.packages.join(', ') || 'none'}`;
}

function judgeFolder(file: SourceFile, from: string, found: SourceImport): string | undefined {
  if (!found.target.startsWith('src/')) return 'src imports only from src';
  const to = folderOf(found.target);
  if (to === from) return undefined;
  if (NEVER.some(([a, b]) => a === from && b === to)) return `${from} never reaches ${to}`;
  if (LAYERS[from]?.folders.includes(to)) return undefined;
  if (FILE_EXCEPTIONS.some((exception) => exception.from === file.path && exception.to === to)) return undefined;
  const rows = Math.abs((LAYERS[from]?.row ?? 0) - (LAYERS[to]?.row ?? 99));
  if (found.isTypeOnly && rows <= 1) return undefined;
  return `${from} (row ${LAYERS[from]?.row}) may import ${LAYERS[from]?.folders.join(', ') || 'nothing'}; ${found.isTypeOnly ? 'types from a neighbouring row' : 'use `import type` if only types are needed'}`;
}

function judgeNodeModule(from: string, found: SourceImport): string | undefined {
  const allowed = NODE_MODULES[found.target];
  if (!allowed || allowed.includes(from)) return undefined;
  const names = found.clause.match(/\w+/g)?.filter((name) => name !== 'from' && name !== 'type') ?? [];
  if (names.length > 0 && names.every((name) => PURE_NAMES[found.target]?.includes(name))) return undefined;
  return `${found.target} is for ${allowed.join(', ') || 'nobody'}`;
}

test('every folder of src stands in the layer table', () => {
  const unknown = new Set(files.map((file) => folderOf(file.path)).filter((folder) => !(folder in LAYERS)));
  assert.deepEqual([...unknown], []);
});

test('the table itself goes downward', () => {
  for (const [folder, layer] of Object.entries(LAYERS)) {
    for (const to of layer.folders) {
      const listed = folder === 'admin' && to === 'store';
      assert.ok(listed || (LAYERS[to]?.row ?? 99) < layer.row, `${folder} -> ${to} does not go downward`);
    }
  }
});

test('imports keep to the layers', () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const found of parseImports(file)) {
      const reason = judge(file, found);
      if (reason) wrong.push(`${file.path} -> ${found.target}: ${reason}`);
    }
  }
  assert.deepEqual(wrong, [], `${wrong.length} imports break the layers:\n${wrong.join('\n')}`);
});

test('imports name their file with its extension', () => {
  const wrong = files.flatMap((file) =>
    parseImports(file)
      .filter((found) => found.isRelative && !/\.(ts|json)$/.test(found.target))
      .map((found) => `${file.path} -> ${found.target}`),
  );
  assert.deepEqual(wrong, []);
});
