import assert from 'node:assert/strict';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { type Event, observe, type RequestEvent } from '../lib/event.ts';
import { redactTarget } from './access-line.ts';
import { createLog, type LogOptions } from './log.ts';

const REQUEST: RequestEvent = {
  type: 'request',
  id: 'req1',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  method: 'GET',
  host: 'a.example',
  target: '/users/7?x=1',
  version: '1.1',
  remoteAddress: '127.0.0.1',
  namespace: 'default',
  route: 'users',
  pattern: '/users/{id}',
  service: 'backend',
  status: 200,
  durationMs: 3.14159,
  upstreamMs: 2,
  attempts: 1,
  responseBytes: 10,
};

let files = 0;

/** What a log writes about `events`. */
function write(events: readonly Event[], options: Partial<LogOptions> = {}): string {
  const file = join(tmpdir(), `sekisho-log-${process.pid}-${(files += 1)}`);
  const log = createLog({
    level: 'info',
    format: 'json',
    color: false,
    accessLog: true,
    consoleLevel: 'debug',
    base: { node_id: 'n1' },
    fd: openSync(file, 'w'),
    ...options,
  });
  for (const event of events) observe(event);
  log.close();
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  return text;
}

function writeJson(events: readonly Event[], options: Partial<LogOptions> = {}): readonly Record<string, unknown>[] {
  return write(events, options)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a request is one line of JSON with all that an operator asks for', () => {
  const [line] = writeJson([REQUEST]);
  const { time, ...rest } = line ?? {};
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: 'info',
    node_id: 'n1',
    event: 'request',
    requestId: 'req1',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    method: 'GET',
    host: 'a.example',
    target: '/users/7?x=1',
    version: '1.1',
    remoteAddress: '127.0.0.1',
    namespace: 'default',
    route: 'users',
    service: 'backend',
    status: 200,
    durationMs: 3.142,
    upstreamMs: 2,
    attempts: 1,
    bytes: 10,
  });
});

test('the access line stays one line of JSON whatever a client sends', () => {
  const nasty = 'a"b\\c\n{"level":"fatal"}\u2028\u0000é';
  const lines = writeJson([{ ...REQUEST, host: nasty, target: `/${nasty}`, method: nasty, route: nasty, id: nasty, traceId: nasty }]);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.host, nasty);
  assert.equal(lines[0]?.target, `/${nasty}`);
});

test('an error of a request has its code in the line, its causes beside it under the same id', () => {
  const error = new SekishoError('UPSTREAM_CONNECT', 'no connection', {
    cause: new Error('outer', { cause: new Error('ECONNREFUSED inner') }),
  });
  const lines = writeJson([{ ...REQUEST, status: 502, error }]);
  const access = lines.find((line) => line.event === 'request');
  const told = lines.find((line) => line.event === 'error');
  assert.equal(access?.code, 'UPSTREAM_CONNECT');
  assert.equal(access?.errorId, error.id);
  assert.equal(told?.errorId, error.id);
  assert.equal(told?.requestId, 'req1');
  assert.match(String((told?.['causes'] as string[] | undefined)?.[1]), /ECONNREFUSED inner\n {4}at /);
});

test('the access log can be off, and the level is kept', () => {
  assert.deepEqual(writeJson([REQUEST], { accessLog: false }), []);
  assert.deepEqual(writeJson([REQUEST, { type: 'warning', text: 'w' }], { level: 'error' }), []);
  assert.deepEqual(writeJson([REQUEST, { type: 'error', error: new SekishoError('INTERNAL', 'x'), where: 'y' }], { level: 'silent' }), []);
  const errorEvent: Event = { type: 'error', error: new SekishoError('INTERNAL', 'x'), where: 'y' };
  for (const level of ['dpanic', 'panic', 'fatal'] as const) assert.deepEqual(writeJson([errorEvent], { level }), [], level);
});

test('the console of modules has its own least level', () => {
  const line = (level: 'debug' | 'warn'): Event => ({
    type: 'module.console',
    level,
    namespace: 'n',
    module: 'm',
    route: 'r',
    requestId: 'q',
    text: level,
  });
  const lines = writeJson([line('debug'), line('warn')], { level: 'debug', consoleLevel: 'warn' });
  assert.deepEqual(
    lines.map(({ level, msg, module, requestId }) => ({ level, msg, module, requestId })),
    [{ level: 'warn', msg: 'warn', module: 'm', requestId: 'q' }],
  );
});

test('changes through the admin API are told, reads only at debug', () => {
  const call = (method: string, status: number): Event => ({
    type: 'admin.request',
    method,
    path: '/api/v1/route',
    status,
    durationMs: 1,
    principal: 'basic:ann',
    remoteAddress: '::1',
  });
  const lines = writeJson([call('GET', 200), call('PUT', 201), call('GET', 401)]);
  assert.deepEqual(
    lines.map((line) => [line.method, line.status, line.principal]),
    [
      ['PUT', 201, 'basic:ann'],
      ['GET', 401, 'basic:ann'],
    ],
  );
});

test('every event has a line or is left out on purpose; none breaks the log', () => {
  const events: readonly Event[] = [
    { type: 'server.starting', version: '1', node: 'v24', config: 'c.yaml' },
    { type: 'server.listening', listener: 'http', address: '127.0.0.1:8080' },
    { type: 'server.ready', revision: 1, durationMs: 5 },
    { type: 'server.draining', reason: 'SIGTERM', inFlight: 2 },
    { type: 'server.stopped', durationMs: 5 },
    { type: 'connection.opened', listener: 'http' },
    { type: 'connection.closed', listener: 'http' },
    { type: 'connection.refused', listener: 'http' },
    { type: 'snapshot.swapped', revision: 1, hash: 'ab', routes: 1, buildMs: 1 },
    { type: 'entity.rejected', kind: 'route', namespace: 'n', name: 'r', error: new SekishoError('MODULE_LOAD', 'x') },
    { type: 'certificate.expiring', domain: 'd', namespace: 'n', daysLeft: 3 },
    { type: 'module.called', namespace: 'n', module: 'm', route: 'r', phase: 'request', outcome: 'timeout', durationMs: 1 },
    { type: 'module.thread', namespace: 'n', module: 'm', state: 'killed', reason: 'blocked' },
    { type: 'module.failed', namespace: 'n', module: 'm', route: 'r', requestId: 'q', hook: 'requestModifier', text: 'boom' },
    { type: 'error', error: new SekishoError('STORE_FAILED', 'x', { cause: 'a text' }), where: 'store' },
    { type: 'warning', text: 'careful' },
  ];
  const lines = writeJson(events, { level: 'debug' });
  assert.deepEqual(
    lines.map((line) => line.event),
    events.map((event) => event.type as string).filter((type) => !type.startsWith('connection.')),
  );
  for (const text of [write(events, { level: 'debug', format: 'text' }), write(events, { level: 'debug', format: 'text', color: true })]) {
    assert.equal(text.split('\n').filter((line) => /^\d\d:\d\d:\d\d\.\d{3} /.test(line)).length, lines.length);
  }
});

test('text for a terminal is one readable line, and a module cannot write its own lines', () => {
  const [access] = write([REQUEST], { format: 'text' }).split('\n');
  assert.match(
    access ?? '',
    /^[0-9:.]{12} INFO {2}GET a\.example\/users\/7\?x=1 200 3\.142 ms \(upstream 2 ms\) requestId=req1 namespace=default route=users service=backend$/,
  );
  const forged = write(
    [
      {
        type: 'module.console',
        level: 'info',
        namespace: 'n',
        module: 'm',
        route: 'r',
        requestId: 'q',
        text: '\u001b[2Jhi\n12:00:00.000 ERROR forged',
      },
    ],
    { format: 'text' },
  );
  assert.ok(!forged.includes('\u001b'));
  assert.equal(forged.split('\n').filter((line) => /^\d\d:/.test(line)).length, 1);
});

test('credentials in the query are not written', () => {
  assert.equal(redactTarget('/a?token=abc&x=1'), '/a?token=***&x=1');
  assert.equal(redactTarget('/a?x=1&API_KEY=abc&password=p&monkey=1'), '/a?x=1&API_KEY=***&password=***&monkey=1');
  assert.equal(redactTarget('/token=abc'), '/token=abc');
  assert.ok(!write([{ ...REQUEST, target: '/a?access_token=canary' }]).includes('canary'));
});
