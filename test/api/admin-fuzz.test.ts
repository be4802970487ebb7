import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { ask } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';

const RUNS = 1000;

/** Entities that are almost right: each field good (the first value), odd or of another type. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  namespace: { name: ['n', 'o', '/', '.', '__proto__', 'a'.repeat(300)], tags: [['t'], [1]] },
  service: {
    name: ['s', 'constructor', '\u0000'],
    urls: [['http://127.0.0.1:1'], ['http://[::1', 'x'], ['http://a:99999999'], ['HTTP://A/%zz?#']],
    retries: [0, -1, 1e308, 0.5],
    retryTimeout: ['1s', 1e19, -1, '1e3s', '999999999h'],
    requestTimeout: ['9007199254740993ns', 1],
    tags: [[]],
  },
  route: {
    name: ['r', 'q'],
    paths: [['/x'], ['/{a}/{b:[0-9]{2}}'], ['/{a:(a+)+$}'], ['/{'], ['/*', '/*'], ['/{a:\\p{L}}'], ['//'], ['/é/%2F']],
    methods: [['GET'], ['*'], ['GET', 'GET'], ['get']],
    service: ['s', 'none', ''],
    modules: [['m'], ['m', 'm'], ['../m']],
    stripPath: [true, 'true'],
  },
  module: {
    name: ['m', '../m', 'dgate'],
    payload: ['', 'AA==', 'ZXhwb3J0IGNvbnN0IHJlcXVlc3RIYW5kbGVyID0gKCkgPT4ge307', '//8=', 'dGhyb3cgbnVsbA=='],
    moduleType: ['typescript', 'javascript', 'python'],
  },
  domain: {
    name: ['d', 'e'],
    patterns: [['a.test'], ['/(a+)+$/'], ['/[/'], ['*'.repeat(1000)], ['']],
    priority: [1, -1, 1e10],
    cert: ['x'],
    key: ['y'],
  },
  collection: {
    name: ['c', 'k'],
    schema: [
      { type: 'object' },
      { $ref: '#' },
      { $ref: '#/nowhere' },
      { pattern: '(' },
      { $id: 'x' },
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      false,
    ],
    type: ['document', 'fetcher'],
    visibility: ['public', 'private'],
  },
  secret: { name: ['k'], data: ['x', ''] },
  document: { id: ['i', '', '..', '\ud800'], collection: ['c', 'none'], data: [{}, null, 5] },
};

const request = fc.constantFrom(...Object.keys(FIELDS)).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    method: fc.constantFrom('PUT', 'PUT', 'PUT', 'DELETE', 'GET'),
    entity: fc.record(
      Object.fromEntries(
        Object.entries({ ...FIELDS[kind], namespace: ['default', 'n', '', 'none', 7] }).map(([name, values]) => [
          name,
          fc.oneof(
            { arbitrary: fc.constant(values[0]), weight: 8 },
            { arbitrary: fc.constantFrom(...values), weight: 3 },
            { arbitrary: fc.jsonValue({ maxDepth: 3 }), weight: 1 },
          ),
        ]),
      ),
      { requiredKeys: ['name', 'id', 'urls', 'methods', 'payload'].filter((name) => name in (FIELDS[kind] ?? {})) },
    ),
    name: fc.constantFrom('', '', '/s', '/%', '/%00', '/a/b', '/..', '/%2e%2e', '/__proto__'),
    query: fc.constantFrom(
      '',
      '',
      '',
      '?collection=c',
      '?namespace=n',
      '?dry_run=true',
      '?expect=1',
      '?limit=-1',
      '?%',
      '?collection=c&collection=d',
    ),
  }),
);

test(`${RUNS} calls that are almost right: never a 5xx, never an answer that is none, and the state stays readable`, async (t) => {
  await using gateway = await startGateway({ config: { storage: { type: 'file', dir: 'data' }, log_level: 'warn' } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`FUZZ_SEED=${seed}`);
  try {
    for (const { kind, method, entity, name, query } of fc.sample(request, { numRuns: RUNS, seed })) {
      const url = `${gateway.adminUrl}/api/v1/${kind}${method === 'PUT' && kind !== 'document' ? '' : name}${query}`;
      const answer = await ask(url, { method, agent, ...(method !== 'GET' && { body: entity }) });
      const what = `${method} ${url} ${JSON.stringify(entity)}: ${answer.status} ${answer.text}`;
      assert.ok(answer.status < 500, what);
      if (answer.status >= 400) assert.ok(answer.json().error, what);
    }
    const kinds = ['namespace', 'service', 'route', 'module', 'domain', 'collection', 'secret'];
    const read = async () => await Promise.all(kinds.map(async (kind) => (await gateway.admin('GET', `/api/v1/${kind}`)).text));
    const before = await read();
    await gateway.restart();
    assert.deepEqual(await read(), before);
    assert.deepEqual((await gateway.admin('GET', '/readyz')).json().rejected, []);
  } finally {
    agent.destroy();
  }
});
