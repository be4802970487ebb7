import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { createDnsLookup } from './dns-lookup.ts';

/** A DNS server that knows one name: `up.test` has the address 127.0.0.9. */
async function startDnsServer(): Promise<{ readonly address: string; close(): void }> {
  const socket = createSocket('udp4');
  socket.on('message', (question, peer) => {
    const isKnown =
      question.includes(Buffer.from('\x02up\x04test\x00\x00\x01')) && question.readUInt16BE(question.indexOf(0, 12) + 1) === 1;
    const end = question.indexOf(0, 12) + 5;
    const head = Buffer.from(question.subarray(0, end));
    head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(isKnown ? 1 : 0, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9]);
    socket.send(isKnown ? Buffer.concat([head, answer]) : head, peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

test('asks the given server, and tells what it does not know', async () => {
  const server = await startDnsServer();
  const lookup = createDnsLookup({ server: server.address, timeoutMs: 20_000 });
  const ask = (name: string, all: boolean): Promise<unknown> =>
    new Promise((resolve) => lookup(name, { all, family: 0 }, (error, address) => resolve(error === null ? address : error.code)));
  assert.equal(await ask('up.test', false), '127.0.0.9');
  assert.deepEqual(await ask('up.test', true), [{ address: '127.0.0.9', family: 4 }]);
  assert.equal(await ask('down.test', false), 'ENOTFOUND');
  assert.match(String(await ask('localhost', false)), /^(127\.0\.0\.1|::1)$/);
  server.close();
});
