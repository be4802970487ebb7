import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { parseRawResponse, sendRaw } from '../support/raw-client.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  upstream = await startUpstream((request, response) => {
    if (!request.url.includes('answer')) return false;
    response.writeHead(
      299,
      'Fine',
      [
        ['X-Same', 'upstream'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Connection', 'X-Private'],
        ['X-Private', 'secret'],
        ['Keep-Alive', 'timeout=9'],
        ['Proxy-Authenticate', 'Basic'],
        ['X-Latin', 'caf\u00e9'],
        ['Content-Encoding', 'gzip'],
      ].flat(),
    );
    response.end('not really gzip');
    return true;
  });
  gateway = await startGateway({
    config: { tags: ['edge', 'blue'], proxy: { global_headers: { 'X-Same': 'global', 'X-Global': 'g' } } },
  });
  await deploy(gateway, 'h', { urls: [upstream.url] });
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

type Fields = readonly (readonly [string, string])[];

/** Values of `name` among the fields that the upstream saw. */
function sawAll(answer: Answer, name: string): string[] {
  return (answer.json().headers as Fields).filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

function values(answer: Answer, name: string): string[] {
  return answer.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1]?.toLowerCase() === name.toLowerCase());
}

test('hop-by-hop fields and what Connection names end here; everything else goes on, duplicates in order', async () => {
  const answer = await ask(`${gateway.proxyUrl}/h`, {
    headers: {
      Connection: 'close, X-Drop, X-Also',
      'X-Drop': '1',
      'x-also': '2',
      'Keep-Alive': '5',
      'Proxy-Connection': 'keep-alive',
      'Proxy-Authorization': 'z',
      'Proxy-Authenticate': 'y',
      TE: 'trailers, deflate',
      Upgrade: 'h2c',
      'X-Keep': ['one', 'two'],
      Authorization: 'Bearer t',
      Cookie: 'a=b',
      Accept: '*/*',
    },
  });
  for (const name of ['X-Drop', 'X-Also', 'Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization', 'Proxy-Authenticate', 'Upgrade'])
    assert.deepEqual(sawAll(answer, name), [], name);
  assert.deepEqual(sawAll(answer, 'X-Keep'), ['one', 'two']);
  assert.deepEqual(sawAll(answer, 'TE'), ['trailers']);
  assert.deepEqual(sawAll(answer, 'Authorization'), ['Bearer t']);
  assert.deepEqual(sawAll(answer, 'Cookie'), ['a=b']);
  for (const name of ['User-Agent', 'Accept-Encoding', 'Content-Length', 'Transfer-Encoding', 'Content-Type'])
    assert.deepEqual(sawAll(answer, name), [], `${name} is not invented`);
});

test('forwarding fields tell of the client, and those of an untrusted client are dropped', async () => {
  const headers = {
    host: 'front.test:8',
    'X-Forwarded-For': '9.9.9.9',
    'X-Forwarded-Host': 'evil',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Port': '1',
    Forwarded: 'for=9.9.9.9',
    'X-Real-IP': '9.9.9.9',
  };
  const answer = await ask(`${gateway.proxyUrl}/h`, { headers });
  assert.deepEqual(sawAll(answer, 'X-Forwarded-For'), ['127.0.0.1']);
  assert.deepEqual(sawAll(answer, 'X-Real-IP'), ['127.0.0.1']);
  assert.deepEqual(sawAll(answer, 'X-Forwarded-Host'), ['front.test:8']);
  assert.deepEqual(sawAll(answer, 'X-Forwarded-Proto'), ['http']);
  for (const name of ['Forwarded', 'X-Forwarded-Port']) assert.deepEqual(sawAll(answer, name), [], name);
});

test('the gateway names itself to the upstream and in Via, unless the service hides it', async () => {
  const answer = await ask(`${gateway.proxyUrl}/h`, { headers: { 'X-DGate-Route': 'forged' } });
  assert.deepEqual(sawAll(answer, 'X-DGate-Service'), ['h']);
  assert.deepEqual(sawAll(answer, 'X-DGate-Route'), ['h'], 'a client cannot forge it');
  assert.deepEqual(sawAll(answer, 'X-DGate-Namespace'), ['default']);
  assert.deepEqual(sawAll(answer, 'X-DGate-Tags'), ['edge', 'blue']);
  assert.equal(values(answer, 'Via').length, 1);

  await deploy(gateway, 'hidden', { urls: [upstream.url], service: { hideDGateHeaders: true } });
  const hidden = await ask(`${gateway.proxyUrl}/hidden`, { headers: { 'X-DGate-Service': 'forged' } });
  for (const name of ['X-DGate-Service', 'X-DGate-Route', 'X-DGate-Namespace', 'X-DGate-Tags'])
    assert.deepEqual(sawAll(hidden, name), [], name);
  assert.deepEqual(values(hidden, 'Via'), []);
});

test('answers: status, reason, fields and body as they came; global fields first; hop-by-hop fields removed', async () => {
  const answer = await ask(`${gateway.proxyUrl}/h/answer`);
  assert.equal(answer.status, 299);
  assert.equal(answer.reason, 'Fine');
  assert.deepEqual(values(answer, 'X-Same'), ['global', 'upstream']);
  assert.deepEqual(values(answer, 'X-Global'), ['g']);
  assert.deepEqual(values(answer, 'Set-Cookie'), ['a=1', 'b=2']);
  for (const name of ['X-Private', 'Proxy-Authenticate']) assert.deepEqual(values(answer, name), [], name);
  assert.notDeepEqual(values(answer, 'Keep-Alive'), ['timeout=9']);
  assert.deepEqual(values(answer, 'X-Latin'), ['caf\u00e9']);
  assert.deepEqual(values(answer, 'Content-Encoding'), ['gzip']);
  assert.equal(answer.text, 'not really gzip', 'bodies are not decoded');
  assert.equal(values(answer, 'Date').length, 1);
});

test('global fields are for proxied answers and their 502, not for routing errors and requestHandler', async () => {
  await deploy(gateway, 'down', { urls: ['http://127.0.0.1:1'] });
  const down = await ask(`${gateway.proxyUrl}/down`);
  assert.equal(down.status, 502);
  assert.deepEqual(values(down, 'X-Global'), ['g']);
  await deploy(gateway, 'handled', { source: `export const requestHandler = (ctx: any) => ctx.response().send('hi')` });
  assert.deepEqual(values(await ask(`${gateway.proxyUrl}/handled`), 'X-Global'), []);
  const unknown = await ask(`${gateway.proxyUrl}/unknown`);
  assert.equal(unknown.status, 404);
  assert.deepEqual(values(unknown, 'X-Global'), []);
  assert.deepEqual(values(unknown, 'X-Content-Type-Options'), ['nosniff']);
});

test('HEAD, 204, 304 and statuses of every class pass; connections stay usable after each', async () => {
  const paths = [
    'HEAD /h/size/10',
    'GET /h/x',
    'GET /h/status/204',
    'HEAD /h/big',
    'GET /h/status/304',
    'GET /h/status/500',
    'GET /h/status/404',
    'GET /h/last',
  ];
  await deploy(gateway, 'h', { urls: [upstream.url], route: { stripPath: true, paths: ['/h/*'] } });
  const bytes = paths.map((line) => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
  const { received } = await sendRaw(gateway.ports.proxy, `${bytes.slice(0, -2)}Connection: close\r\n\r\n`);
  let rest = received;
  const told: string[] = [];
  for (const line of paths) {
    const response = parseRawResponse(rest, line.split(' ')[0]);
    assert.ok(response, `no answer for ${line} in ${rest}`);
    rest = response.rest;
    const length = response.headers.find(([name]) => name === 'content-length')?.[1];
    told.push(
      `${response.status} ${length === undefined ? '-' : Number(length) > 60 ? 'many' : length} ${response.body.length > 60 ? 'many' : response.body.length}`,
    );
  }
  assert.deepEqual(told, ['200 10 0', '200 many many', '204 - 0', '200 many 0', '304 - 0', '500 14 14', '404 14 14', '200 many many']);
  assert.equal(rest, '');
});

test('debug tells the upstream URL; disable_x_forwarded_headers sends none; trusted proxies lengthen the chain', async () => {
  await using plain = await startGateway({ config: { debug: true, proxy: { disable_x_forwarded_headers: true } } });
  await deploy(plain, 'd', { urls: [`${upstream.url}/base`] });
  const answer = await ask(`${plain.proxyUrl}/d`, { headers: { 'X-Forwarded-For': '9.9.9.9' } });
  assert.deepEqual(values(answer, 'X-Upstream-URL'), [`${upstream.url}/base`]);
  for (const name of ['X-Forwarded-For', 'X-Real-IP', 'X-Forwarded-Host', 'X-Forwarded-Proto'])
    assert.deepEqual(sawAll(answer, name), [], name);

  await using trusting = await startGateway({ config: { proxy: { trusted_proxies: ['127.0.0.0/8'] } } });
  await deploy(trusting, 'd', { urls: [upstream.url] });
  const chained = await ask(`${trusting.proxyUrl}/d`, {
    headers: { 'X-Forwarded-For': '9.9.9.9, 8.8.8.8', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'site.test' },
  });
  assert.deepEqual(sawAll(chained, 'X-Forwarded-For'), ['9.9.9.9, 8.8.8.8, 127.0.0.1']);
  assert.deepEqual(sawAll(chained, 'X-Real-IP'), ['8.8.8.8']);
  assert.deepEqual(sawAll(chained, 'X-Forwarded-Proto'), ['https']);
  assert.deepEqual(sawAll(chained, 'X-Forwarded-Host'), ['site.test']);
});
