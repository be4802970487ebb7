import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { toEntitySchema } from './entity-schema.ts';
import { findKind, KINDS, type KindName, requiredKeys } from './kinds.ts';
import { parseEntity } from './parse-entity.ts';
import { redactEntity } from './redact.ts';
import type { Collection, Domain, Module, Namespace, Route, Secret, Service } from './types.ts';

const inDefault = { defaultNamespace: 'default' };

function problemsOf(kind: KindName, input: unknown): Readonly<Record<string, string>> {
  try {
    parseEntity(kind, input, inDefault);
  } catch (error) {
    assert.ok(error instanceof SekishoError && error.code === 'ENTITY_INVALID', String(error));
    return Object.fromEntries(error.errors.map(({ pointer, detail }) => [pointer, detail]));
  }
  return {};
}

test('fills in defaults and leaves out what is empty', () => {
  assert.deepEqual(parseEntity('namespace', { name: 'a', tags: [] }), { name: 'a' });
  assert.deepEqual(parseEntity('route', { name: 'r', methods: ['*'], paths: null, service: '', modules: [], tags: ['t'] }, inDefault), {
    name: 'r',
    namespace: 'default',
    paths: [],
    methods: ['*'],
    preserveHost: false,
    stripPath: false,
    tags: ['t'],
  });
  assert.deepEqual(parseEntity('service', { name: 's', namespace: 'n', urls: ['h2c://x:1'], retryTimeout: '50ms', connectTimeout: 7 }), {
    name: 's',
    namespace: 'n',
    urls: ['h2c://x:1'],
    retries: 3,
    retryTimeout: '50ms',
    connectTimeout: 7,
    requestTimeout: 0,
    tlsSkipVerify: false,
    http2Only: false,
    hideDGateHeaders: false,
    disableQueryParams: false,
  });
  assert.deepEqual(parseEntity('domain', { name: 'd', cert: '', key: '' }, inDefault), {
    name: 'd',
    namespace: 'default',
    patterns: [],
    priority: 0,
  });
  assert.deepEqual(parseEntity('collection', { name: 'c' }, inDefault), {
    name: 'c',
    namespace: 'default',
    visibility: 'public',
    type: 'document',
  });
  assert.equal(parseEntity('module', { name: 'm', payload: 'YQ==' }, inDefault).moduleType, 'typescript');
  assert.equal(parseEntity('module', { name: 'm', payload: 'YW\r\nJj\n' }, inDefault).payload, 'YW\r\nJj\n');
});

test('documents take any JSON, and what the gateway sets is ignored', () => {
  const base = { id: 'd', collection: 'c' };
  for (const data of [null, '', 0, false, [], { a: 1 }]) assert.deepEqual(parseEntity('document', { ...base, data }, inDefault).data, data);
  assert.deepEqual(parseEntity('document', { ...base, data: 1, createdAt: 'x', updatedAt: 'y' }, inDefault), {
    ...base,
    namespace: 'default',
    data: 1,
  });
  assert.match(problemsOf('document', base)['/data'] ?? '', /data is required/);
});

test('all problems come at once, each with its pointer', () => {
  const problems = problemsOf('service', {
    name: '',
    urls: ['foo', 'http://', 'ftp://x', 'http://u:p@h', 'http://h x'],
    retries: -1,
    retryTimeout: -1,
    connectTimeout: '5',
    tlsSkipVerify: 'yes',
    'a/b~': 1,
    retrys: 1,
  });
  const expected: Readonly<Record<string, RegExp>> = {
    '/name': /required/,
    '/urls/0': /url scheme cannot be empty/,
    '/urls/1': /url host cannot be empty/,
    '/urls/2': /allowed are http, https, ws, wss, h2c/,
    '/urls/3': /credentials/,
    '/urls/4': /white space/,
    '/retries': /-1 is out of range; allowed are 0/,
    '/retryTimeout': /negative/,
    '/connectTimeout': /duration such as "50ms".*found the string "5"/,
    '/tlsSkipVerify': /true or false, found the string "yes"/,
    '/a~1b~0': /no field "a\/b~"; its fields are name/,
    '/retrys': /did you mean retries\?/,
  };
  assert.deepEqual(Object.keys(problems).toSorted(), Object.keys(expected).toSorted());
  for (const [pointer, text] of Object.entries(expected)) assert.match(problems[pointer] ?? '', text);
});

const refused: readonly (readonly [KindName, object, string, RegExp])[] = [
  ['namespace', { name: 'a/b' }, '/name', /must not contain a \//],
  ['namespace', { name: 'a\tb' }, '/name', /control character at position 2/],
  ['namespace', { name: 'x'.repeat(256) }, '/name', /at most 255/],
  ['namespace', { name: 7 }, '/name', /expected a string, found the number 7/],
  ['service', { name: 's' }, '/urls', /urls are required/],
  ['service', { name: 's', urls: [] }, '/urls', /urls are required/],
  ['service', { name: 's', urls: 'http://x' }, '/urls', /expected a list of strings/],
  ['service', { name: 's', urls: ['http://x', 1] }, '/urls/1', /expected a string/],
  ['route', { name: 'r' }, '/methods', /route must have at least one method/],
  ['route', { name: 'r', methods: ['get'] }, '/methods/0', /unsupported method: get/],
  ['route', { name: 'r', methods: ['GET', '*'] }, '/methods', /cannot have other methods with \*/],
  ['route', { name: 'r', methods: ['GET', 'GET'] }, '/methods/1', /twice/],
  ['route', { name: 'r', methods: ['GET'], paths: ['/a', 'x'] }, '/paths/1', /column 1: a path begins with/],
  ['route', { name: 'r', methods: ['GET'], modules: ['m', 'm'] }, '/modules/1', /twice/],
  ['module', { name: 'm' }, '/payload', /payload is required/],
  ['module', { name: 'm', payload: 'YW\nJ$' }, '/payload', /illegal base64 data at input byte 4/],
  ['module', { name: 'm', payload: 'YWJ' }, '/payload', /multiple of four/],
  ['module', { name: 'm', payload: 'Y=WJ' }, '/payload', /input byte 1/],
  [
    'module',
    { name: 'm', payload: 'YQ==', moduleType: 'typscript' },
    '/moduleType',
    /not one of typescript, javascript; did you mean typescript/,
  ],
  ['domain', { name: 'd', patterns: ['a', '', '/(/'] }, '/patterns/1', /empty pattern/],
  ['domain', { name: 'd', cert: 'x' }, '/key', /a cert needs its key/],
  ['domain', { name: 'd', key: 'x' }, '/cert', /a key needs its cert/],
  ['domain', { name: 'd', priority: 1.5 }, '/priority', /whole number/],
  ['collection', { name: 'c', type: 'fetcher' }, '/type', /not implemented/],
  ['collection', { name: 'c', schema: 'x' }, '/schema', /object or a boolean/],
  ['collection', { name: 'c', visibility: 'privat' }, '/visibility', /did you mean private/],
  ['secret', { name: 's', data: '' }, '/data', /data is required/],
];

for (const [kind, input, pointer, text] of refused) {
  test(`refuses the ${kind} ${JSON.stringify(input).slice(0, 60)}`, () =>
    assert.match(problemsOf(kind, input)[pointer] ?? 'accepted', text));
}

test('what is no object is refused, and a namespace is asked for when there is no default', () => {
  for (const input of [null, [], 'x', 1]) assert.throws(() => parseEntity('route', input), /a route is a JSON object/);
  assert.throws(() => parseEntity('secret', { name: 's', data: 'x' }), /namespace is required/);
});

test('inherited names are no fields', () => {
  assert.match(problemsOf('namespace', JSON.parse('{"name":"a","__proto__":1,"constructor":2}'))['/constructor'] ?? '', /no field/);
});

test('the table has the fields of the types', () => {
  type Fields<T> = Record<keyof Required<T>, true>;
  const types = {
    namespace: { name: true, tags: true } satisfies Fields<Namespace>,
    domain: { name: true, namespace: true, patterns: true, priority: true, cert: true, key: true, tags: true } satisfies Fields<Domain>,
    service: {
      name: true,
      namespace: true,
      urls: true,
      retries: true,
      retryTimeout: true,
      connectTimeout: true,
      requestTimeout: true,
      tlsSkipVerify: true,
      http2Only: true,
      hideDGateHeaders: true,
      disableQueryParams: true,
      tags: true,
    } satisfies Fields<Service>,
    route: {
      name: true,
      namespace: true,
      paths: true,
      methods: true,
      preserveHost: true,
      stripPath: true,
      service: true,
      modules: true,
      tags: true,
    } satisfies Fields<Route>,
    module: { name: true, namespace: true, moduleType: true, payload: true, tags: true } satisfies Fields<Module>,
    collection: { name: true, namespace: true, schema: true, visibility: true, type: true, tags: true } satisfies Fields<Collection>,
    secret: { name: true, namespace: true, data: true, tags: true } satisfies Fields<Secret>,
  };
  for (const [kind, fields] of Object.entries(types))
    assert.deepEqual(Object.keys(KINDS[kind as KindName].fields).toSorted(), Object.keys(fields).toSorted());
});

test('schemas, required keys and names of kinds come from the table', () => {
  const schema = toEntitySchema('service') as {
    readonly properties: Readonly<Record<string, object>>;
    readonly required: readonly string[];
  };
  assert.deepEqual(schema.required, ['name', 'urls']);
  assert.deepEqual(schema.properties['retries'], {
    type: 'integer',
    minimum: 0,
    maximum: 100,
    default: 3,
    description: KINDS.service.fields['retries']?.doc,
  });
  assert.deepEqual(requiredKeys('route'), ['name', 'paths', 'methods']);
  assert.deepEqual(['ns', 'routes', 'svc', 'doc', 'x'].map(findKind), ['namespace', 'route', 'service', 'document', undefined]);
});

test('secrets and keys are hidden, the entity itself stays', () => {
  const secret: Secret = { name: 's', namespace: 'n', data: 'x' };
  assert.deepEqual(redactEntity('secret', secret), { ...secret, data: '**redacted**' });
  assert.equal(secret.data, 'x');
  const domain: Domain = { name: 'd', namespace: 'n', patterns: [], priority: 0 };
  assert.equal(redactEntity('domain', domain), domain);
  assert.equal(redactEntity('domain', { ...domain, cert: 'c', key: 'k' }).key, '');
});
