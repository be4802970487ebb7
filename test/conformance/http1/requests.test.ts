import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { suite, test } from 'node:test';
import { startGateway } from '../../support/gateway.ts';
import { parseRawResponse } from '../../support/raw-client.ts';
import { type Recorder, startRecorder } from './recorder.ts';
import type { Forwarded, RequestCase } from './request-case.ts';
import { CONNECTION_CASES } from './requests-connection.ts';
import { FIELD_CASES } from './requests-fields.ts';
import { FRAMING_CASES } from './requests-framing.ts';
import { TARGET_CASES } from './requests-target.ts';

const GROUPS: Readonly<Record<string, readonly RequestCase[]>> = {
  'request line and target': TARGET_CASES,
  framing: FRAMING_CASES,
  fields: FIELD_CASES,
  connection: CONNECTION_CASES,
};
const PROBE = 'GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n';
const PATIENCE_MS = 60_000;

test('the corpus is what it claims to be', () => {
  const cases = Object.values(GROUPS).flat();
  assert.ok(cases.length >= 200, `${cases.length} cases`);
  for (const [group, members] of Object.entries(GROUPS))
    assert.equal(new Set(members.map(({ name, bytes }) => name + String(bytes))).size, members.length, group);
});

suite('requests of clients, through the gateway', () => {
  test('every case', async (t) => {
    await using recorder = await startRecorder();
    await using gateway = await startGateway({ config: { log_level: 'error' } });
    await gateway.put('service', { name: 'recorder', urls: [`http://127.0.0.1:${recorder.port}`], hideDGateHeaders: true });
    await gateway.put('route', { name: 'all', paths: ['/*'], methods: ['*'], service: 'recorder', preserveHost: true });
    for (const [group, cases] of Object.entries(GROUPS)) {
      await t.test(group, async (inner) => {
        for (const item of cases) await inner.test(`${item.name} (${item.rule})`, () => check(item, recorder, gateway.ports.proxy));
      });
    }
    assert.deepEqual(recorder.violations, []);
  });
});

/** Plays one case and compares what client and upstream saw; sends a probe behind it where the connection must be open. */
async function check(item: RequestCase, recorder: Recorder, port: number): Promise<void> {
  recorder.requests.length = 0;
  const expected = item.open ? [...item.answers, 200] : item.answers;
  const { statuses, ended } = await play(item, port, expected.length);
  assert.deepEqual(statuses, expected);
  assert.equal(ended, !item.open, item.open ? 'the connection was closed' : 'the connection stayed open');
  const forwarded = [...(item.upstream ?? []), ...(item.open ? [{ line: 'GET /probe', host: 'probe' }] : [])];
  assert.deepEqual(
    recorder.requests.map(({ method, target }) => `${method} ${target}`),
    forwarded.map(({ line }) => line),
  );
  for (const [i, each] of forwarded.entries()) compare(recorder.requests[i] as Recorder['requests'][number], each);
}

function compare(got: Recorder['requests'][number], expected: Forwarded): void {
  const values = (name: string): readonly string[] => got.fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  if (expected.line !== 'GET /probe') assert.equal(got.body, expected.body ?? '');
  assert.deepEqual(values('host'), [expected.host ?? 'a']);
  const lines = got.fields.map(([name, value]) => `${name}: ${value}`);
  for (const line of new Set(expected.has)) {
    assert.equal(
      lines.filter((each) => each === line).length,
      expected.has?.filter((each) => each === line).length,
      `${line} in ${lines.join(' | ')}`,
    );
  }
  for (const name of expected.lacks ?? []) assert.deepEqual(values(name), [], name);
}

/** Writes the parts, then the probe once all answers but its own are there; gives the statuses, and whether the gateway closed. */
function play(item: RequestCase, port: number, count: number): Promise<{ statuses: number[]; ended: boolean }> {
  const parts = typeof item.bytes === 'string' ? [item.bytes] : item.bytes;
  return new Promise((resolve, reject) => {
    let received = '';
    let isProbed = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const finish = (ended: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ statuses: statusesOf(received, parts), ended });
    };
    const timer = setTimeout(() => reject(new Error(`no end after ${JSON.stringify(received)}`)), PATIENCE_MS);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
      const answers = statusesOf(received, parts).length;
      if (!item.open) return;
      if (answers === count) finish(false);
      else if (answers === count - 1 && !isProbed) {
        isProbed = true;
        socket.write(PROBE);
      }
    });
    socket.on('end', () => finish(true));
    socket.on('error', () => finish(true));
    void write(parts, (part) => new Promise((done) => socket.write(part, 'latin1', () => setImmediate(done))));
  });
}

async function write(parts: readonly string[], send: (part: string) => Promise<void>): Promise<void> {
  for (const part of parts) await send(part);
}

function statusesOf(received: string, parts: readonly string[]): number[] {
  const statuses: number[] = [];
  let rest = received;
  for (;;) {
    const method = statuses.length === 0 && parts.join('').startsWith('HEAD') ? 'HEAD' : 'GET';
    const answer = rest === '' ? undefined : parseRawResponse(rest, method);
    if (answer === undefined) break;
    statuses.push(answer.status);
    rest = answer.rest;
  }
  // What is no complete answer must not pass for nothing.
  if (rest !== '' && statuses.length > 0 && !rest.startsWith('HTTP/1.1 ')) statuses.push(0);
  return statuses;
}
