import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { ask } from '../support/client.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';

const TENANT = 'fc394f2ab2df4114bde39905f800dc57';

const CODE = `
export const console = async (context) => {
  const { port } = await context.tx.fetch('machine', context.id);
  context.response = { upstream: 'ws://127.0.0.1:' + port + '/console?of=' + context.id, headers: { 'X-Tenant': context.tenantId } };
};
export const plain = (context) => { context.response = { none: true }; };
export const wrong = (context) => { context.response = { upstream: 'ftp://127.0.0.1/' }; };
`;

const SCHEMAS = [
  'schemas:',
  schema(
    'machine',
    [property('port', 'integer'), property('tenant_id', 'string')],
    [
      'actions:',
      "  console: {method: GET, path: '/:id/console', protocol: websocket}",
      "  plain: {method: GET, path: '/:id/plain', protocol: websocket}",
      "  wrong: {method: GET, path: '/:id/wrong', protocol: websocket}",
    ],
  ),
  'policies:',
  "- {id: console, action: console, principal: Member, condition: [is_owner], resource: {path: '^/t/machines/.*'}}",
  'extensions:',
  extension('machine', '^/t/machines$', CODE, 'typescript'),
].join('\n');

describe('actions that speak WebSocket', () => {
  let gateway: Gateway;
  const server = createServer();
  const peers = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false });
  const asked: IncomingMessage[] = [];

  before(async () => {
    server.on('upgrade', (request, socket, head) => {
      asked.push(request);
      if (request.url?.includes('closed')) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      peers.handleUpgrade(request, socket, head, (peer) => void peer.on('message', (message) => peer.send(`echo ${String(message)}`)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    gateway = await startGateway({
      config: { database: { connection: './data.db' }, schemas: ['./schemas.yaml'], keystone: { fake: true } },
      files: { 'schemas.yaml': SCHEMAS },
    });
    for (const [id, tenant] of [
      ['own', TENANT],
      ['closed', TENANT],
      ['other', 'other'],
    ]) {
      const body = { id, port, tenant_id: tenant };
      const made = await ask(`${gateway.proxyUrl}/t/machines`, { method: 'POST', body, headers: { 'x-auth-token': 'admin_token' } });
      assert.equal(made.status, 201, made.text);
    }
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    for (const peer of peers.clients) peer.terminate();
    server.close();
  });

  const connect = (path: string, headers: ClientOptions['headers'] = { 'x-auth-token': 'demo_token' }): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${gateway.ports.proxy}/t/machines${path}`, ['chat'], { headers });

  /** The status of a refusal. */
  async function refusal(path: string, headers?: ClientOptions['headers']): Promise<number | undefined> {
    const socket = connect(path, headers);
    const [request, response] = (await once(socket, 'unexpected-response')) as [{ destroy(): void }, IncomingMessage];
    request.destroy();
    return response.statusCode;
  }

  test('the client is joined with the server that the handler names', async () => {
    const socket = connect('/own/console');
    await once(socket, 'open');
    assert.equal(socket.protocol, 'chat');
    for (const text of ['one', 'x'.repeat(100_000)]) {
      const answer = once(socket, 'message');
      socket.send(text);
      assert.equal(String((await answer)[0]), `echo ${text}`);
    }
    const [request] = asked.splice(0);
    assert.equal(request?.url, '/console?of=own');
    assert.deepEqual([request?.headers['x-tenant'], request?.headers['x-auth-token']], [TENANT, undefined]);
    const closed = once(socket, 'close');
    socket.close(4001, 'enough');
    assert.equal((await closed)[0], 4001);
  });

  test('policies, pages of other sites and servers may refuse', async () => {
    assert.equal(await refusal('/own/console', {}), 401);
    assert.equal(await refusal('/other/console'), 404);
    assert.equal(await refusal('/own/plain'), 403);
    assert.equal(await refusal('/closed/console'), 502);
    assert.equal(await refusal('/own/wrong', { 'x-auth-token': 'admin_token' }), 500);
    assert.equal(await refusal('/own/console', { cookie: 'Auth-Token=demo_token', origin: 'https://evil.example' }), 401);
    const own = connect('/own/console', { cookie: 'Auth-Token=demo_token', origin: gateway.proxyUrl });
    await once(own, 'open');
    own.terminate();
  });

  test('a handler may answer without an upgrade', async () => {
    assert.equal(await refusal('/own/plain', { 'x-auth-token': 'admin_token' }), 200);
    const plain = await ask(`${gateway.proxyUrl}/t/machines/own/console`, { headers: { 'x-auth-token': 'demo_token' } });
    assert.match(plain.json().upstream, /^ws:/);
  });
});
