import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startAdmin } from '../../test/support/admin-server.ts';
import { adminReference } from './admin-reference.ts';
import { toOpenApi } from './openapi.ts';
import { ADMIN_ROUTES } from './routes.ts';
import type { AdminAuthOptions } from './types.ts';

type Node = any; // any: the document is walked as what it is, JSON

const document: Node = JSON.parse(JSON.stringify(toOpenApi(ADMIN_ROUTES, '1.2.3', { method: 'none' })));
const METHODS = ['get', 'put', 'post', 'delete'];

/** Every operation with its path and method. */
function operations(): readonly { readonly path: string; readonly method: string; readonly operation: Node }[] {
  return Object.entries<Node>(document.paths).flatMap(([path, item]) =>
    Object.entries<Node>(item).map(([method, operation]) => ({ path, method, operation })),
  );
}

/** Calls `visit` with every schema of the document. */
function eachSchema(visit: (schema: Node, where: string) => void): void {
  for (const [name, schema] of Object.entries<Node>(document.components.schemas)) visit(schema, name);
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    for (const parameter of operation.parameters) visit(parameter.schema, `${where} ${parameter.name}`);
    const contents = [operation.requestBody, ...Object.values<Node>(operation.responses)].flatMap((holder) =>
      Object.values<Node>(holder?.content ?? {}),
    );
    for (const content of contents) visit(content.schema, where);
  }
}

function keysOf(value: object, required: readonly string[], optional: readonly string[], where: string): void {
  const keys = Object.keys(value);
  assert.deepEqual(
    required.filter((key) => !keys.includes(key)),
    [],
    `${where} lacks`,
  );
  assert.deepEqual(
    keys.filter((key) => !required.includes(key) && !optional.includes(key)),
    [],
    `${where} has unknown`,
  );
}

test('the document has the parts of OpenAPI 3.1, and no others', () => {
  keysOf(document, ['openapi', 'info', 'paths', 'components', 'tags'], [], 'document');
  assert.match(document.openapi, /^3\.1\.\d+$/);
  keysOf(document.info, ['title', 'version', 'license'], [], 'info');
  for (const [path, item] of Object.entries<Node>(document.paths)) {
    assert.match(path, /^\/(?:[a-z0-9._/-]|\{[a-z]+\})*$/);
    for (const method of Object.keys(item)) assert.ok(METHODS.includes(method), `${method} ${path}`);
  }
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, 'operationIds are unique');
  const tags = document.tags.map((tag: Node) => tag.name);
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    keysOf(operation, ['operationId', 'tags', 'summary', 'parameters', 'responses'], ['requestBody'], where);
    assert.ok(operation.summary.length > 10, where);
    for (const tag of operation.tags) assert.ok(tags.includes(tag), where);
  }
});

test('parameters are declared once, and those of the path are exactly those of its template', () => {
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    const keys = operation.parameters.map((parameter: Node) => `${parameter.in}:${parameter.name}`);
    assert.equal(new Set(keys).size, keys.length, where);
    const inPath = operation.parameters.filter((parameter: Node) => parameter.in === 'path');
    assert.deepEqual(
      inPath.map((parameter: Node) => parameter.name),
      [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
      where,
    );
    for (const parameter of operation.parameters) {
      keysOf(parameter, ['name', 'in', 'required', 'schema'], ['description'], where);
      assert.ok(['path', 'query', 'header'].includes(parameter.in), where);
      assert.equal(parameter.required, parameter.in === 'path', where);
    }
  }
});

test('bodies and answers are complete', () => {
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    const { requestBody, responses } = operation;
    if (method === 'get') assert.equal(requestBody, undefined, where);
    if (requestBody !== undefined) keysOf(requestBody, ['description', 'required', 'content'], [], where);
    assert.ok(
      Object.keys(responses).some((status) => /^(2\d\d|410)$/.test(status)),
      where,
    );
    assert.ok(responses.default.content['application/problem+json'], where);
    for (const [status, response] of Object.entries<Node>(responses)) {
      assert.match(status, /^(?:[1-5]\d\d|default)$/);
      keysOf(response, ['description'], ['content'], `${where} ${status}`);
      if (status === '204') assert.equal(response.content, undefined, where);
    }
  }
});

test('every reference leads somewhere, and every schema is one of draft 2020-12', () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  ajv.addSchema({ $id: 'doc', components: document.components }, 'doc', false, false);
  ajv.addVocabulary(['components']);
  const references: string[] = [];
  eachSchema((schema, where) => {
    const text = JSON.stringify(schema);
    for (const match of text.matchAll(/"\$ref":"([^"]+)"/g)) references.push(match[1] ?? '');
    assert.doesNotThrow(() => ajv.compile(JSON.parse(text.replaceAll('"#/', '"doc#/'))), where);
  });
  assert.ok(references.length > 20);
  for (const reference of references) {
    const found = reference
      .slice(2)
      .split('/')
      .reduce((node: Node, key) => node?.[key], document);
    assert.ok(reference.startsWith('#/') && found !== undefined, reference);
  }
});

test('what the gateway answers matches what the document says', async () => {
  await using admin = await startAdmin({ metrics: () => 'x 1\n', explain: () => ({}) });
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'doc', components: document.components });
  await admin.call('PUT', '/api/v1/service', { name: 'x', urls: ['http://a'] });
  await admin.call('PUT', '/api/v1/collection', { name: 'c' });
  await admin.call('PUT', '/api/v1/document/x?collection=c', { a: 1 });
  let compared = 0;
  for (const { path, method, operation } of operations().filter((one) => one.method === 'get')) {
    const query = path.includes('document') ? '?collection=c' : path.endsWith('explain') ? '?path=/' : '';
    const name = path.includes('{name}') && path.includes('namespace') ? 'default' : 'x';
    const answer = await admin.call('GET', path.replace(/\{\w+\}/, name) + query);
    const rule = operation.responses[answer.status] ?? operation.responses.default;
    const [type, content] = Object.entries<Node>(rule.content)[0] ?? ['', {}];
    assert.ok(answer.headers['content-type']?.startsWith(type), `${method} ${path}: ${answer.headers['content-type']}`);
    if (!type.includes('json')) continue;
    const check = ajv.compile(JSON.parse(JSON.stringify(content.schema).replaceAll('"#/', '"doc#/')));
    assert.ok(check(answer.json()), `${path} ${answer.text}: ${ajv.errorsText(check.errors)}`);
    compared += 1;
  }
  assert.ok(compared > 20, `${compared}`);
  assert.deepEqual((await admin.call('GET', '/openapi.json')).json(), JSON.parse(JSON.stringify(admin.api.openapi())));
});

test('the credentials are those of the configuration', () => {
  const schemes: readonly (readonly [AdminAuthOptions, object | undefined])[] = [
    [{ method: 'none' }, undefined],
    [
      { method: 'basic', users: [] },
      { type: 'http', scheme: 'basic' },
    ],
    [
      { method: 'key', keys: [] },
      { type: 'apiKey', in: 'header', name: 'X-DGate-Key' },
    ],
    [
      { method: 'key', keys: [], queryParamName: 'k' },
      { type: 'apiKey', in: 'query', name: 'k' },
    ],
    [
      { method: 'jwt', algorithm: 'HS256', key: '' },
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    ],
    [
      { method: 'jwt', algorithm: 'HS256', key: '', headerName: 'X-T' },
      { type: 'apiKey', in: 'header', name: 'X-T' },
    ],
  ];
  for (const [auth, scheme] of schemes) {
    const { components, security }: Node = toOpenApi(ADMIN_ROUTES, '1', auth);
    assert.deepEqual(components.securitySchemes?.admin, scheme);
    assert.deepEqual(security, scheme && [{ admin: [] }]);
  }
});

test('the reference page has every route with its parameters', () => {
  const page = adminReference();
  for (const route of ADMIN_ROUTES) {
    assert.ok(page.includes(`\`${route.method} ${route.path}\``), route.id);
    for (const parameter of route.query)
      assert.ok(page.includes(`\`${parameter.name}\` (${parameter.type}`), `${route.id} ${parameter.name}`);
  }
});
