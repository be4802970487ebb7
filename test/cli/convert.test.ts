import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runInProcess } from '../support/admin-stub.ts';
import { ask } from '../support/client.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startPetstore } from '../support/petstore.ts';

let gateway: Gateway;
before(async () => {
  gateway = await startPetstore();
  for (const name of ['dog', 'cat', 'bird']) {
    const headers = { 'x-auth-token': 'admin_token' };
    const { status } = await ask(`${gateway.proxyUrl}/petstore/v1/categories`, { method: 'POST', headers, body: { name } });
    assert.equal(status, 201);
  }
  await gateway.stop();
});
after(() => gateway[Symbol.asyncDispose]());

const run = (...argv: readonly string[]) =>
  runInProcess(['convert', ...argv], {
    cwd: gateway.folder,
    env: { PROXY_PORT: String(gateway.ports.proxy), ADMIN_PORT: String(gateway.ports.admin) },
  });

onEveryDatabase(({ kind, createConnection }) => {
  const COPIED = { exit: 0, out: '6 rows copied\n', err: 'events: 3 of 3 rows\ncategories: 3 of 3 rows\n' };

  test('the rows of a configured database and its event log are copied, once; from there on to another one; a gateway serves that', async () => {
    const [first, second] = [await createConnection(), await createConnection()];
    assert.deepEqual(await run('--out', first), COPIED);
    assert.equal((await run('--out', first)).out, '0 rows copied\n');
    assert.deepEqual(await run('--in', first, '--out', second), COPIED);
    const schemas = `${gateway.folder}/schemas/petstore.yaml`;
    const config = { database: { type: kind, connection: second, legacy: false }, schemas: [schemas], keystone: { fake: true } };
    await using other = await startGateway({ config });
    const { categories } = (await ask(`${other.proxyUrl}/petstore/v1/categories?sort=name:asc`)).json();
    assert.deepEqual(
      categories.map(({ name }: { name: string }) => name),
      ['bird', 'cat', 'dog'],
    );
  });
});

test('what is missing or makes no sense is told', async () => {
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [2, /convert needs --in CONNECTION/, ['--out', 'x.db', 'schemas/petstore.yaml']],
    [2, /--in and --out are the same database/, ['--in', 'a.db', '--out', 'a.db', 'schemas/petstore.yaml']],
    [2, /--in-type: found 'oracle', allowed are sqlite3, postgresql, mysql/, ['--in-type', 'oracle']],
    [1, /caused by: no such table/, ['--in', 'empty.db', '--out', 'b.db', 'schemas/petstore.yaml']],
  ];
  for (const [exit, want, words] of cases) {
    const result = await run(...words);
    assert.equal(result.exit, exit, result.err);
    assert.match(result.err, want);
  }
});
