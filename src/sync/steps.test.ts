import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemasOf } from '../../test/support/databases.ts';
import type { LoggedEvent } from '../sql/event-log.ts';
import { hashOf, parseMark, toMark } from './delivered-mark.ts';
import { compileKeyTemplate } from './key-template.ts';
import { layoutOf } from './layout.ts';
import { packSteps } from './pack-steps.ts';
import { planSteps, type Step } from './steps.ts';
import { toValue } from './value.ts';

const FIELD = '{title: t, description: d, permission: [create, update], type: string}';
const schema = (id: string, metadata: string): string => `
- id: ${id}
  singular: ${id}
  plural: ${id}s
  prefix: /v1
  title: t
  description: d
  metadata: ${metadata}
  schema: {type: object, properties: {id: ${FIELD}, name: ${FIELD}, device_id: ${FIELD}}}`;
const SCHEMAS = schemasOf(`schemas:${[
  schema('net', '{}'),
  schema('vm', '{sync_key_template: "/v1.0/dev/{{device_id}}/vm/{{ id }}"}'),
  schema('raw', '{sync_plain: true, sync_property: name, sync_skip_config_prefix: true}'),
  schema('quiet', '{nosync: true}'),
].join('')}
`);
const LAYOUT = layoutOf(SCHEMAS);

let count = 0;
const event = (type: LoggedEvent['type'], path: string, body: object, more: Partial<LoggedEvent> = {}): LoggedEvent => ({
  id: (count += 1),
  type,
  path,
  timestamp: 1,
  version: 1,
  body: JSON.stringify(body),
  syncPlain: false,
  syncProperty: '',
  ...more,
});
const short = (queues: readonly (readonly Step[])[]) =>
  queues.map((queue) => queue.map(({ key, write, events }) => [key, write.kind === 'put' ? write.value : write.kind, events.length]));

test('keys: the path under /config, without it, or by a template', () => {
  assert.deepEqual(LAYOUT.placeOf(event('create', '/v1/nets/a', { id: 'a' })), { path: '/v1/nets/a', key: '/config/v1/nets/a' });
  assert.deepEqual(LAYOUT.placeOf(event('create', '/v1/raws/a', { id: 'a' })), { path: '/v1/raws/a', key: '/v1/raws/a' });
  assert.deepEqual(LAYOUT.placeOf(event('create', '/v1/vms/a', { id: 'a', device_id: 'd' })), {
    path: '/v1.0/dev/d/vm/a',
    key: '/config/v1.0/dev/d/vm/a',
  });
  assert.equal(LAYOUT.placeOf(event('create', '/gone/x', {})).key, '/config/gone/x');
  assert.deepEqual(
    LAYOUT.types.map(({ type }) => type.id).filter((id) => ['net', 'vm', 'raw', 'quiet'].includes(id)),
    ['net', 'vm', 'raw'],
  );
});

test('the type of a path, and what its resource has', () => {
  assert.equal(LAYOUT.typeOf('/v1/nets/a')?.type.id, 'net');
  assert.deepEqual(LAYOUT.typeOf('/v1/nets/a')?.match('/v1/nets/a%2Fb'), { id: ['a%2Fb', 'a/b'] });
  assert.equal(LAYOUT.typeOf('/v1/nets/a')?.match('/v1/nets/a/b'), undefined);
  assert.deepEqual(LAYOUT.typeOf('/v1.0/dev/d/vm/a')?.match('/v1.0/dev/d/vm/a'), { device_id: ['d'], id: ['a'] });
  assert.equal(LAYOUT.typeOf('/v1.0/dev/d/vm/a/b'), undefined);
});

test('a template gives the path of a resource, and its properties back', () => {
  const template = compileKeyTemplate('/a/{{x}}/b/{{ y }}');
  assert.equal(template.render({ x: 1 }), '/a/1/b/');
  assert.deepEqual(template.match('/a/1/b/'), { x: '1', y: '' });
  assert.equal(compileKeyTemplate('/a/{{x}}-{{x}}').match('/a/1-2'), undefined);
});

test('values: wrapped, one property, plain', () => {
  const base = { path: '/p', version: 3, body: '{"id":"a","n":"text","o":{"x":[1]},"e":"","z":null}', syncPlain: false, syncProperty: '' };
  assert.equal(toValue(base), JSON.stringify({ body: base.body, version: 3 }));
  assert.equal(toValue({ ...base, syncProperty: 'o' }), '{"body":"{\\"x\\":[1]}","version":3}');
  assert.equal(toValue({ ...base, syncProperty: 'n', syncPlain: true }), 'text');
  assert.equal(toValue({ ...base, syncProperty: 'o', syncPlain: true }), '{"x":[1]}');
  assert.equal(toValue({ ...base, syncProperty: 'z', syncPlain: true }), 'null');
  assert.equal(toValue({ ...base, syncProperty: 'e', syncPlain: true }), undefined);
  assert.equal(toValue({ ...base, syncPlain: true }), base.body);
  assert.throws(() => toValue({ ...base, syncProperty: 'q' }), { code: 'SYNC_VALUE' });
});

test('rows of one resource become one write; what was deleted and made anew, two', () => {
  const at = (type: LoggedEvent['type'], id: string, version: number) => event(type, `/v1/nets/${id}`, { id }, { version });
  const put = (id: string, version: number): string => JSON.stringify({ body: JSON.stringify({ id }), version });
  const { queues } = planSteps(
    [
      at('create', 'a', 1),
      at('create', 'b', 1),
      at('update', 'a', 2),
      at('delete', 'b', 3),
      at('delete', 'c', 2),
      at('create', 'c', 1),
      at('update', 'c', 2),
    ],
    LAYOUT,
  );
  assert.deepEqual(short(queues), [
    [['/config/v1/nets/a', put('a', 2), 2]],
    [['/config/v1/nets/b', 'delete', 2]],
    [
      ['/config/v1/nets/c', 'delete', 1],
      ['/config/v1/nets/c', put('c', 2), 2],
    ],
  ]);
});

test('a row without a value waits until another of its resource takes its place', () => {
  const bad = event('update', '/v1/nets/a', { id: 'a' }, { syncProperty: 'gone' });
  const other = event('update', '/v1/nets/b', { id: 'b' });
  const waiting = planSteps([event('create', '/v1/nets/a', { id: 'a' }), bad, other], LAYOUT);
  assert.deepEqual(
    short(waiting.queues).map((queue) => queue.map(([key, , events]) => [key, events])),
    [[['/config/v1/nets/a', 1]], [['/config/v1/nets/b', 1]]],
  );
  assert.deepEqual([...waiting.invalid.keys()], ['/v1/nets/a']);
  const replaced = planSteps([bad, event('delete', '/v1/nets/a', { id: 'a' })], LAYOUT);
  assert.equal(replaced.invalid.size, 0);
  assert.deepEqual(short(replaced.queues), [[['/config/v1/nets/a', 'delete', 2]]]);
});

test('transactions stay within operations and bytes', () => {
  const steps = planSteps(
    Array.from({ length: 300 }, (_, i) => event(i % 3 === 0 ? 'delete' : 'create', `/v1/nets/${i}`, { id: String(i) })),
    LAYOUT,
  ).queues.flat();
  const txns = packSteps(steps, { maxOperations: 128, maxBytes: 1e6 });
  assert.deepEqual(txns.flat(), steps);
  for (const txn of txns) assert.ok(1 + txn.reduce((sum, { write }) => sum + (write.kind === 'delete' ? 3 : 1), 0) <= 128);
  assert.ok(txns.length <= 5);
  assert.equal(packSteps(steps, { maxOperations: 128, maxBytes: 10 }).length, 300);
});

test('marks name rows, and tell them from rows of another database', () => {
  const one = event('create', '/v1/nets/a', { id: 'a' });
  const mark = parseMark(`${toMark([one, event('delete', '/v1/nets/b', {})])} nonsense`);
  assert.equal(mark.size, 2);
  assert.equal(mark.get(one.id), hashOf(one));
  assert.notEqual(mark.get(one.id), hashOf({ ...one, timestamp: 2 }));
});
