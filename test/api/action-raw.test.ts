import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';

const CODE = `
import { rawResponse } from 'sekisho/extension';
const owned = { text: ['a,b\\n'], bytes: [new Uint8Array([0, 255, 10])], empty: ['', { status: 204 }],
  fields: ['<p>', { status: 404, headers: { 'content-type': 'text/html', 'Cache-Control': 'public', 'X-Many': ['1', '2'] } }],
  framing: ['x', { headers: { 'Content-Length': '5' } }], split: ['x', { headers: { 'X-A': 'a\\r\\nX-B: b' } }], status: ['x', { status: 99 }] };
export const raw = (context) => { context.response = rawResponse(...owned[context.query.of[0]]); };
export const json = (context) => { context.response = { is: 'json' }; };
export const unowned = (context) => { context.response = rawResponse('x'); };
`;

const SCHEMAS = [
  'schemas:',
  schema(
    'page',
    [property('title', 'string')],
    [
      'actions:',
      "  raw: {method: GET, path: '/do/raw', has_response_ownership: true}",
      "  json: {method: GET, path: '/do/json', has_response_ownership: true}",
      "  unowned: {method: GET, path: '/do/unowned'}",
    ],
  ),
  'extensions:',
  extension('pages', '^/t/pages$', CODE, 'typescript'),
].join('\n');

describe('actions that answer with something else than JSON', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway({
      config: { log_level: 'info', database: { connection: './data.db' }, schemas: ['./schemas.yaml'], keystone: { fake: true } },
      files: { 'schemas.yaml': SCHEMAS },
    });
  });
  after(() => gateway[Symbol.asyncDispose]());

  const get = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`${gateway.proxyUrl}/t/pages/do/${path}`, { method, headers: { 'x-auth-token': 'admin_token' } });

  test('text, bytes, nothing', async () => {
    const text = await get('raw?of=text');
    assert.deepEqual([text.status, text.headers.get('content-type'), await text.text()], [200, 'text/plain; charset=utf-8', 'a,b\n']);
    assert.equal(text.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(text.headers.get('cache-control'), 'private, no-cache');
    const bytes = await get('raw?of=bytes');
    assert.equal(bytes.headers.get('content-type'), 'application/octet-stream');
    assert.deepEqual([...new Uint8Array(await bytes.arrayBuffer())], [0, 255, 10]);
    const empty = await get('raw?of=empty');
    assert.deepEqual([empty.status, empty.headers.get('content-type'), await empty.text()], [204, null, '']);
    const head = await get('raw?of=text', 'HEAD');
    assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '4', '']);
  });

  test('status and fields are those of the handler', async () => {
    const answer = await get('raw?of=fields');
    assert.deepEqual([answer.status, await answer.text()], [404, '<p>']);
    assert.equal(answer.headers.get('content-type'), 'text/html');
    assert.equal(answer.headers.get('cache-control'), 'public');
    assert.equal(answer.headers.get('x-many'), '1, 2');
  });

  test('what cannot be sent is refused, and told in the log', async () => {
    for (const name of ['framing', 'split', 'status']) assert.equal((await get(`raw?of=${name}`)).status, 500, name);
    await until('the field is told', () => /rawResponse: .*Content-Length.* is no field/.test(gateway.log()));
    assert.equal((await get('unowned')).status, 500);
    await until('what is missing is told', () => gateway.log().includes('needs has_response_ownership'));
  });

  test('JSON is answered as ever', async () => {
    assert.deepEqual(await (await get('json')).json(), { is: 'json' });
  });
});
