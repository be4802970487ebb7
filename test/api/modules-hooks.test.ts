import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, type AskOptions, ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;
let count = 0;

before(async () => {
  [gateway, upstream] = await Promise.all([startGateway({ config: { modules: { timeout: '6s', sync_timeout: '3s' } } }), startUpstream()]);
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

interface Kind {
  readonly urls?: readonly string[];
  readonly path?: string;
  readonly ask?: AskOptions;
}

/** Deploys these hooks (by name, each the body of an async function) on a new route and asks it once. */
async function run(hooks: Readonly<Record<string, string>>, kind: Kind = {}): Promise<Answer> {
  count += 1;
  const source = Object.entries(hooks)
    .map(([name, body]) => `export ${body.includes('await') ? 'async ' : ''}function ${name}(ctx: any, error: any) { ${body} }`)
    .join('\n');
  const url = await deploy(gateway, `h${count}`, { source, ...(kind.urls !== undefined && { urls: kind.urls }) });
  return await ask(url + (kind.path ?? ''), kind.ask);
}

const up = (): Kind => ({ urls: [upstream.url] });
const down: Kind = { urls: ['http://127.0.0.1:1'] };

test('the order of hooks, one ctx for all of them', async () => {
  const note = (name: string): string => `ctx.set('order', [...(ctx.get('order') ?? []), '${name}'])`;
  const tell = `ctx.response().headers.set('X-Order', ctx.get('order').join())`;
  const all = {
    fetchUpstream: `${note('fetch')}; return ctx.service().urls[0]`,
    requestModifier: note('request'),
    responseModifier: `${note('response')}; ${tell}`,
    requestHandler: `${note('handler')}; ${tell}; ctx.response().send('handled')`,
    errorHandler: `${note('error')}; ${tell}; ctx.response().status(599).send(String(ctx.get('order')))`,
  };
  assert.equal((await run(all, up())).headers['x-order'], 'fetch,request,response');
  assert.equal((await run(all)).headers['x-order'], 'request,handler', 'without a service the handler answers');
  assert.equal((await run(all, down)).headers['x-order'], 'fetch,request,error');
  assert.equal(
    (await run({ ...all, responseModifier: `${note('response')}; throw 1` }, up())).headers['x-order'],
    'fetch,request,response,error',
  );
  assert.equal((await run({ ...all, requestHandler: `${note('handler')}; throw 1` })).headers['x-order'], 'request,handler,error');
});

test('what fails, and what the client then gets', async () => {
  const boom = `throw new Error('boom')`;
  const rejected = `await null; throw new TypeError('rejected')`;
  const answers = `ctx.response().status(418).json({ name: error.name, message: error.message, is: error instanceof Error })`;
  const silent = `ctx.set('x', 1)`;
  const told = (name: string, message: string): string => JSON.stringify({ name, message, is: true });
  const cases: readonly (readonly [
    what: string,
    hooks: Readonly<Record<string, string>>,
    kind: Kind,
    status: number,
    text: string | RegExp,
  ])[] = [
    ['handler throws', { requestHandler: boom }, {}, 502, /Bad Gateway/],
    ['handler rejects', { requestHandler: rejected }, {}, 502, /Bad Gateway/],
    ['handler throws, handled', { requestHandler: boom, errorHandler: answers }, {}, 418, told('Error', 'boom')],
    ['handler rejects, handled', { requestHandler: rejected, errorHandler: answers }, {}, 418, told('TypeError', 'rejected')],
    ['handler throws, silent errorHandler', { requestHandler: boom, errorHandler: silent }, {}, 502, /./],
    ['handler throws, errorHandler throws', { requestHandler: boom, errorHandler: boom }, {}, 500, /./],
    ['handler throws text', { requestHandler: `throw 'text'`, errorHandler: answers }, {}, 418, told('Error', 'text')],
    ['handler throws nothing', { requestHandler: `throw undefined`, errorHandler: answers }, {}, 418, /"is":true/],
    ['handler wrote, then threw', { requestHandler: `ctx.response().status(201).send('written'); ${boom}` }, {}, 201, 'written'],
    ['requestModifier throws', { requestModifier: boom, requestHandler: silent, errorHandler: answers }, {}, 500, /./],
    ['requestModifier throws before a service', { requestModifier: rejected, errorHandler: answers }, up(), 500, /./],
    ['fetchUpstream throws', { fetchUpstream: boom, errorHandler: answers }, up(), 500, /./],
    ['fetchUpstream gives nothing', { fetchUpstream: silent, errorHandler: answers }, up(), 500, /./],
    ['fetchUpstream gives a number', { fetchUpstream: `return 5` }, up(), 500, /./],
    ['fetchUpstream gives an unknown scheme', { fetchUpstream: `return 'ftp://x'` }, up(), 500, /./],
    ['responseModifier throws', { responseModifier: boom }, up(), 502, /Bad Gateway/],
    ['responseModifier throws, handled', { responseModifier: boom, errorHandler: answers }, up(), 418, told('Error', 'boom')],
    ['responseModifier throws, silent', { responseModifier: boom, errorHandler: silent }, up(), 502, /./],
    ['responseModifier throws, errorHandler throws', { responseModifier: boom, errorHandler: rejected }, up(), 500, /./],
    ['upstream down', { requestModifier: silent }, down, 502, /./],
    ['upstream down, handled', { errorHandler: answers }, down, 418, /ECONNREFUSED|connect/],
    ['upstream down, silent', { errorHandler: silent }, down, 502, /./],
    ['upstream down, errorHandler throws', { errorHandler: boom }, down, 500, /./],
    ['no requestHandler', { responseModifier: silent }, {}, 501, /./],
    ['handler sets a status only', { requestHandler: `ctx.response().status(202)` }, {}, 202, ''],
    [
      'errorHandler sets a status only',
      { requestHandler: `ctx.response().status(201); ${boom}`, errorHandler: `ctx.response().status(418)` },
      {},
      418,
      '',
    ],
    ['errorHandler sets a status only, upstream down', { errorHandler: `ctx.response().status(503)` }, down, 503, ''],
    [
      'handler set a status, silent errorHandler',
      { requestHandler: `ctx.response().status(201); ${boom}`, errorHandler: silent },
      {},
      502,
      /./,
    ],
    ['handler silent', { requestHandler: silent }, {}, 204, ''],
    [
      'requestModifier answers',
      { requestModifier: `ctx.response().status(401).send('no')`, requestHandler: `ctx.response().send('yes')` },
      {},
      401,
      'no',
    ],
    ['requestModifier answers instead of the upstream', { requestModifier: `ctx.response().status(401).send('no')` }, up(), 401, 'no'],
    [
      'errorHandler sees the response fields',
      {
        requestHandler: `ctx.response().headers.set('X-A', '1'); ${boom}`,
        errorHandler: `ctx.response().status(500).send(ctx.response().headers.get('X-A'))`,
      },
      {},
      500,
      '1',
    ],
  ];
  for (const [what, hooks, kind, status, text] of cases) {
    const answer = await run(hooks, kind);
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    if (typeof text === 'string') assert.equal(answer.text, text, what);
    else if (status !== 500 || text.source !== '.') assert.match(answer.text, text, what);
    if (status >= 500 && !('errorHandler' in hooks))
      assert.doesNotMatch(answer.text, /boom|rejected|module\.ts/, `${what}: nothing of the module's error leaks`);
  }
});

test('fetchUpstream chooses: one of the service, another one, one without a scheme', async () => {
  const before = upstream.requests.length;
  const urls = [`${upstream.url}/zero`, `${upstream.url}/one`];
  const line = async (choice: string): Promise<string> => (await run({ fetchUpstream: choice }, { urls, path: '/x' })).json().line;
  assert.match(await line('return ctx.service().urls[1]'), /^GET \/one\/h\d+\/x /);
  assert.match(await line(`await null; return '${upstream.url}/made'`), /^GET \/made\/h\d+\/x /);
  assert.match(await line(`return '127.0.0.1:${upstream.port}'`), /^GET \/h\d+\/x /);
  assert.equal(upstream.requests.length - before, 3);
});

test('responseModifier is not run for handlers, requestHandler not with a service; upstream errors are answers', async () => {
  assert.equal((await run({ requestHandler: `ctx.response().send('own')`, responseModifier: `throw 1` })).text, 'own');
  assert.equal((await run({ requestHandler: `ctx.response().send('own')` }, up())).headers['x-up'], '1');
  const failed = await run(
    { responseModifier: `ctx.upstream().headers.set('X-Code', ctx.upstream().statusCode)`, errorHandler: `throw 1` },
    { urls: [`${upstream.url}/status/503?`], path: '' },
  );
  assert.equal(failed.headers['x-code'], '503');
  assert.equal(failed.status, 503);
});

test('fields set on ctx.response() are added to a proxied answer', async () => {
  const answer = await run(
    {
      fetchUpstream: `ctx.response().headers.add('X-Pick', 'p'); return ctx.service().urls[0]`,
      requestModifier: `ctx.response().cookie('a', 'b')`,
    },
    up(),
  );
  assert.equal(answer.headers['x-pick'], 'p');
  assert.deepEqual(answer.headers['set-cookie'], ['a=b']);
  assert.equal(answer.headers['x-up'], '1');
});

test('hooks that take too long end, and errorHandler still gets its chance', async () => {
  const never = 'await new Promise(() => {})';
  const answers = `ctx.response().status(418).send('late')`;
  const late = await run({ requestHandler: never });
  assert.ok([500, 502, 504].includes(late.status), `${late.status}`);
  assert.deepEqual(await run({ requestHandler: never, errorHandler: answers }).then(({ status, text }) => [status, text]), [418, 'late']);
  assert.deepEqual(await run({ responseModifier: never, errorHandler: answers }, up()).then(({ status, text }) => [status, text]), [
    418,
    'late',
  ]);
  const looped = await run({ requestHandler: 'for (;;) {}' });
  assert.ok([503, 504].includes(looped.status), `${looped.status}`);
  assert.equal((await run({ requestHandler: `ctx.response().send('fine')` })).text, 'fine', 'other modules go on');
});

test('the log has the error of a module with its place in the source, and the id of the answer', async () => {
  const failed = await run({ requestHandler: `throw new Error('look for me')` });
  await until('the error is logged', () => /look for me[^\n]*h\d+\.ts:1:\d+/.test(gateway.log()));
  assert.ok(failed.json().id);
  await until('the id is logged', () => gateway.log().includes(failed.json().id));
});
