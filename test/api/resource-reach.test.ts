import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const DEMO = 'demo_token';

const SCHEMAS = `
policies:
- id: jobs
  action: '*'
  principal: Member
  condition:
  - {type: property, action: read, match: {status: [ACTIVE, ERROR]}}
  - {type: property, action: update, match: {status: {ACTIVE: [ERROR, ACTIVE]}}}
  resource: {path: '^/t/jobs.*'}
- {id: shelves, action: read, principal: Member, resource: {path: '^/t/shelfs.*'}}
schemas:
${schema('library', [property('name', 'string', 'default: none')])}
${schema('shelf', [property('name', 'string', 'default: none')], ['parent: library'])}
${schema('slot', [property('name', 'string', 'default: none')], ['parent: shelf'])}
${schema('job', [property('status', 'string')])}
`;

/** What a caller reaches, and what it learns about what it does not. */
onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  const status = async (method: string, path: string, token?: string, body?: unknown): Promise<number> =>
    (await api(method, path, { ...(token !== undefined && { token }), body })).status;

  before(async () => {
    for (const id of ['one', 'two']) await make('/t/librarys', { id });
    for (const [id, state] of Object.entries({ on: 'ACTIVE', bad: 'ERROR', off: 'OFF' })) await make('/t/jobs', { id, status: state });
  });

  test('a row that property conditions hide is not there for writers either', async () => {
    for (const [method, path, body] of [
      ['PUT', '/t/jobs/off', { status: 'ACTIVE' }],
      ['PATCH', '/t/jobs/off', { unknown: 1 }],
      ['DELETE', '/t/jobs/off', undefined],
    ] as const)
      assert.equal(await status(method, path, DEMO, body), 404, method);
    assert.equal(await status('PUT', '/t/jobs/bad', DEMO, { status: 'ACTIVE' }), 403, 'it is seen, and may not be left');
    const refused = await api('PUT', '/t/jobs/on', { token: DEMO, body: { status: 'OFF' } });
    assert.equal(refused.status, 403);
    assert.match(refused.json().error, /^Rejected by property filter/);
    assert.equal(await status('PUT', '/t/jobs/on', DEMO, { status: 'ACTIVE' }), 200);
  });

  test('a refusal names the path that was asked for, and no other', async () => {
    for (const id of ['first', 'second'])
      assert.equal((await api('DELETE', `/t/shelfs/${id}`, { token: DEMO })).json().error, `No matching policy: delete /t/shelfs/${id}`);
  });

  test('what the body says of the parent wins over the path; both parents are there', async () => {
    const made = await make('/t/librarys/two/shelfs', { id: 's', library_id: 'one' });
    assert.equal(made.json().shelf.library_id, 'one');
    assert.equal((await make('/t/librarys/one/shelfs?library_id=two', { id: 'q' })).json().shelf.library_id, 'one');
    assert.equal(await status('POST', '/t/librarys/none/shelfs', undefined, { library_id: 'one' }), 404);
    const broken = await api('POST', '/t/librarys/one/shelfs', { body: { library_id: 'none' } });
    assert.deepEqual([broken.status, broken.json().errors[0].pointer], [400, '/library_id']);
    assert.equal((await api('PUT', '/t/librarys/one/shelfs/p', { body: {} })).json().shelf.library_id, 'one');
  });

  test('a long path leads only to what lies under each of its parents', async () => {
    await make('/t/slots', { id: 'z', shelf_id: 's' });
    assert.equal(await status('GET', '/t/librarys/one/shelfs/s/slots/z'), 200);
    for (const [method, path] of [
      ['GET', '/t/librarys/two/shelfs/s/slots/z'],
      ['GET', '/t/librarys/two/shelfs/s/slots'],
      ['GET', '/t/librarys/two/shelfs/s'],
      ['PUT', '/t/librarys/two/shelfs/s'],
      ['DELETE', '/t/librarys/two/shelfs/s'],
      ['GET', '/t/shelfs/s/slots'],
    ] as const)
      assert.equal(await status(method, path, undefined, method === 'PUT' ? {} : undefined), 404, `${method} ${path}`);
    assert.equal((await api('GET', '/t/librarys/one/shelfs?library_id=two')).json().shelfs.length, 0);
  });
});
