import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import { createFileWatch, type FileWatch } from './watch-files.ts';

const opened: FileWatch[] = [];
const temp = createTempFolder();
after(() => {
  for (const watch of opened) watch.close();
  temp.remove();
});

let count = 0;

/** A folder of its own, and how often a change of the followed files in it was told. */
function begin(): { readonly folder: string; readonly told: () => number; readonly watch: FileWatch } {
  count += 1;
  const folder = join(temp.path, String(count));
  mkdirSync(folder);
  let told = 0;
  const watch = createFileWatch(() => {
    told += 1;
    return Promise.resolve();
  });
  opened.push(watch);
  return { folder, told: () => told, watch };
}

async function tells(what: string, told: () => number, change: () => void): Promise<void> {
  const before = told();
  change();
  await until(`${what} is told`, () => told() > before);
}

test('files are followed that are written, replaced, or made later', async () => {
  const { folder, told, watch } = begin();
  const [file, later] = [join(folder, 'a.ts'), join(folder, 'later.ts')];
  writeFileSync(file, '1');
  watch.follow([file, later, join(folder, 'none', 'b.ts')]);
  await tells('a write', told, () => writeFileSync(file, '2'));
  writeFileSync(join(folder, 'other'), '3');
  await tells('a replacement', told, () => renameSync(join(folder, 'other'), file));
  watch.follow([later]);
  await tells('a new file', told, () => writeFileSync(later, '4'));
});

test('links are followed, to files and to folders, as volumes of Kubernetes have them', async () => {
  const { folder, told, watch } = begin();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'a.ts'), version);
  }
  symlinkSync('v1', join(folder, '..data'));
  symlinkSync('..data/a.ts', join(folder, 'a.ts'));
  watch.follow([join(folder, 'a.ts')]);
  symlinkSync('v2', join(folder, '..new'));
  await tells('the swap of a folder', told, () => renameSync(join(folder, '..new'), join(folder, '..data')));
  watch.follow([join(folder, 'a.ts')]);
  await tells('a write to the file behind the link', told, () => writeFileSync(join(folder, 'v2', 'a.ts'), 'edited'));
});

test('links in a circle lead nowhere', () => {
  const { folder, watch } = begin();
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  watch.follow([join(folder, 'a', 'x.ts')]);
});
