import assert from 'node:assert/strict';
import { test } from 'node:test';
import { continueTrace, traceIdOf } from './trace-context.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

test("a client's trace is continued", () => {
  const fields = ['TraceParent', PARENT, 'tracestate', 'a=1'];
  assert.equal(continueTrace(fields), ID);
  assert.deepEqual(fields, ['TraceParent', PARENT, 'tracestate', 'a=1']);
  assert.equal(traceIdOf(fields), ID);
});

test('a missing trace is begun', () => {
  const fields = ['A', 'b'];
  const id = continueTrace(fields);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(fields[2], 'traceparent');
  assert.match(fields[3] ?? '', new RegExp(`^00-${id}-[0-9a-f]{16}-00$`));
  assert.match(traceIdOf(['A', 'b']), /^[0-9a-f]{32}$/);
});

test('an invalid trace is replaced, its state with it', () => {
  for (const value of ['', 'nonsense', PARENT.toUpperCase(), `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-${ID}-${'0'.repeat(16)}-01`]) {
    const fields = ['traceparent', value, 'tracestate', 'a=1', 'X', 'y'];
    const id = continueTrace(fields);
    assert.deepEqual(fields.slice(0, 3), ['X', 'y', 'traceparent'], value);
    assert.equal(fields[3]?.slice(3, 35), id);
  }
});
