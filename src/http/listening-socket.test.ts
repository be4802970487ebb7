import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { bindAnother, bindShared, portOf, type SocketHandle } from './listening-socket.ts';

const ADDRESS = { host: '127.0.0.1', port: 0, setting: 'proxy.port' };

async function listenOn(socket: SocketHandle, answer: string): Promise<Server> {
  const server = createServer((connection) => connection.end(answer));
  server.listen({ _handle: socket }, 511);
  await once(server, 'listening');
  return server;
}

async function ask(port: number): Promise<string> {
  const connection = connect(port, '127.0.0.1');
  let text = '';
  for await (const chunk of connection) text += String(chunk);
  return text;
}

test('sockets of one address share its connections', async () => {
  const [first, second] = await bindShared(ADDRESS, 2);
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(portOf(second), portOf(first));
  const servers = [await listenOn(first, 'a'), await listenOn(second, 'b')];
  const answers = new Set(await Promise.all(Array.from({ length: 100 }, () => ask(portOf(first)))));
  assert.deepEqual([...answers].toSorted(), ['a', 'b']);
  for (const server of servers) server.close();
});

test('a port where somebody listens is refused, though it is shared', async () => {
  const [first] = await bindShared(ADDRESS, 1);
  assert.ok(first !== undefined);
  const server = await listenOn(first, 'a');
  await assert.rejects(bindShared({ ...ADDRESS, port: portOf(first) }, 1), { code: 'LISTEN_FAILED', message: /in use/ });
  const another = bindAnother(first, ADDRESS);
  assert.equal(portOf(another), portOf(first));
  another.close();
  server.close();
});

test('all addresses are those that node listens on', async () => {
  const [socket] = await bindShared({ host: '', port: 0, setting: 'proxy.port' }, 1);
  assert.ok(socket !== undefined);
  const server = await listenOn(socket, 'x');
  assert.equal(await ask(portOf(socket)), 'x');
  server.close();
});
