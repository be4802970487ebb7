import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { type CliResult, runInProcess } from '../support/admin-stub.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

const toys = (properties: string): string => `schemas:
  - id: toy
    singular: toy
    plural: toys
    title: Toy
    description: a toy
    schema:
      type: object
      properties:
        id: { type: string, title: ID, description: ID, permission: [create] }
${properties}`;
const COLOUR = '        colour: { type: string, title: Colour, description: Colour, permission: [create], indexed: true }\n';

function toConfig(type: string, connection: string): string {
  return `version: v1
storage: { type: memory }
proxy: { host: 127.0.0.1 }
keystone: { fake: true }
database: { type: ${type}, connection: '${connection}', migrations: sql }
schemas: [toys.yaml]
`;
}

onEveryDatabase(({ kind, createConnection }) => {
  let folder: TempFolder;
  before(async () => {
    folder = createTempFolder();
    folder.write('sekisho.yaml', toConfig(kind, await createConnection()));
    folder.write('toys.yaml', toys(''));
  });
  after(() => folder.remove());

  async function run(...words: readonly string[]): Promise<CliResult> {
    const result = await runInProcess(words, { cwd: folder.path });
    assert.equal(result.exit, 0, `${words.join(' ')}: ${result.err}`);
    return result;
  }

  test('init, up, plan, down: the tables follow the files, the files follow the schemas', async () => {
    const written = (await run('migrate', 'init')).out.trim();
    assert.match(written, /\/sql\/\d{14}_init_schema\.sql$/);
    assert.match(readFileSync(written, 'utf8'), /-- \+goose Up\n[^]*CREATE TABLE .toys.[^]*-- \+goose Down\n[^]*DROP TABLE/);
    assert.match((await run('migrate', 'status')).out, /pending +\d+_init_schema\.sql/);
    assert.match((await run('migrate', 'up')).out, /^up +\d+_init_schema\.sql\n$/);
    assert.equal((await run('migrate', 'up')).out, 'nothing to do\n');
    const first = (await run('migrate', 'version')).out.trim();
    assert.match(first, /^\d{14}$/);

    folder.write('toys.yaml', toys(COLOUR));
    const printed = await run('migrate', 'plan');
    assert.match(printed.err, /colour/);
    assert.match(printed.out, /ALTER TABLE .toys. ADD/i);
    // Written as of another second: the time is the version.
    const planned = folder.write('sql/20991231235959_colours.sql', printed.out);
    assert.match((await run('migrate', 'up')).out, /colours/);
    assert.match((await run('migrate', 'plan')).err, /^the tables are as the schemas want them\n$/);
    assert.match((await run('migrate', 'redo')).out, /^down +\S+colours\.sql\nup +\S+colours\.sql\n$/);
    assert.match((await run('migrate', 'down-to', first)).out, /^down +\S+colours\.sql\n$/);
    assert.equal((await run('migrate', 'version')).out.trim(), first);
    writeFileSync(planned, '-- +goose Up\n-- +goose Down\n');
    const rows = JSON.parse((await run('migrate', 'status', '-o', 'json')).out);
    assert.equal(rows.length, 2);
    assert.equal(rows[1].applied, 'pending');
  });

  test('init-db makes the tables of the schemas', async () => {
    assert.equal((await run('init-db')).out, 'DB is initialized\n');
    assert.match((await run('migrate', 'plan')).err, /as the schemas want them/);
  });
});

test("init-db takes Gohan's flags, without a configuration", async () => {
  using folder = createTempFolder();
  folder.write('toys.yaml', toys(''));
  folder.write('more.yaml', toys('').replaceAll('toy', 'box').replaceAll('boxs', 'boxes'));
  const flags = [
    '-t',
    'sqlite3',
    '-d',
    'gohan.db',
    '-s',
    'toys.yaml',
    '-m',
    'embed://etc/schema/gohan.json',
    '--multiple-schemas',
    'more.yaml;',
  ];
  const done = { exit: 0, out: 'DB is initialized\n', err: '' };
  assert.deepEqual(await runInProcess(['init-db', ...flags, '--cascade'], { cwd: folder.path }), done);
  const database = new DatabaseSync(`${folder.path}/gohan.db`);
  database.exec("INSERT INTO toys (id) VALUES ('1'); INSERT INTO boxs (id) VALUES ('1')");
  assert.deepEqual(await runInProcess(['idb', ...flags], { cwd: folder.path }), done);
  const rows = (): unknown => ({ ...database.prepare('SELECT count(*) AS n FROM toys').get() });
  assert.deepEqual(rows(), { n: 1 });
  assert.deepEqual(await runInProcess(['--drop-on-create', 'idb', ...flags], { cwd: folder.path }), done);
  assert.deepEqual(rows(), { n: 0 });
  database.close();
});

test('slips are told with exit code 2', async () => {
  using folder = createTempFolder();
  folder.write('sekisho.yaml', toConfig('sqlite3', './data.db'));
  folder.write('toys.yaml', toys(''));
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['migrate'], /found '', allowed is one of init, create/],
    [['migrate', 'upp'], /did you mean up\?/],
    [['migrate', 'up', 'x'], /'x' is no version/],
    [['migrate', 'down-to'], /down-to needs the number of a version/],
    [['migrate', 'create'], /create needs a name/],
    [['migrate', 'create', '--', '--'], /a migration needs a name of letters/],
    [['migrate', 'version', 'x'], /too many words: x/],
    [['init-db', 'x'], /too many words: x/],
    [['init-db', '-t', 'sqlite3'], /--database-type needs --database/],
    [['init-db', '-t', 'oracle', '-d', 'x.db'], /-t: found 'oracle', allowed are sqlite3/],
    [['init-db', '-s', 'nowhere.yaml', '-d', 'x.db'], /nowhere\.yaml/],
    [['start', '--allow-destructive'], /--allow-destructive is a flag of migrate/],
  ];
  for (const [argv, want] of cases) {
    const { exit, err } = await runInProcess(argv, { cwd: folder.path });
    assert.equal(exit, 2, argv.join(' '));
    assert.match(err, want);
  }
});
