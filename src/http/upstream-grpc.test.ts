import assert from 'node:assert/strict';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { createUpstreams } from './upstreams.ts';

const same = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const SERVICE = {
  unary: method('/echo.Echo/Unary', false, false),
  collect: method('/echo.Echo/Collect', true, false),
  repeat: method('/echo.Echo/Repeat', false, true),
  chat: method('/echo.Echo/Chat', true, true),
};

/** The gRPC server behind the upstream. */
async function startGrpcServer(): Promise<{ port: number; stop(): void }> {
  const server = new Server();
  server.addService(SERVICE, {
    unary(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      if (call.request.toString() === 'fail') return answer({ code: 9, details: 'no way' });
      const trailers = new Metadata();
      trailers.set('x-trailer', 'yes');
      answer(null, call.request, trailers);
    },
    collect(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      const parts: Buffer[] = [];
      call.on('data', (part: Buffer) => parts.push(part)).on('end', () => answer(null, Buffer.concat(parts)));
    },
    repeat(call: ServerWritableStream<Buffer, Buffer>) {
      for (let i = 0; i < 50; i += 1) call.write(Buffer.concat([call.request, Buffer.from(String(i))]));
      call.end();
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('data', (part: Buffer) => call.write(Buffer.from(part.toString().toUpperCase()))).on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { port, stop: () => server.forceShutdown() };
}

/** The least front that there can be: node:http2 to an upstream and back. */
function startFront(upstreamPort: number): { server: Http2Server; stop(): void } {
  const upstreams = createUpstreams();
  const upstream = upstreams.get(toUpstreamOptions(upstreamPort, { scheme: 'h2c' }));
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, _headers, flags, raw?: string[]) => {
    const fields = (raw ?? []).filter((_, i, all) => !(all[i - (i % 2)] ?? '').startsWith(':'));
    let trailers: Record<string, string | string[]> = {};
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    const call = upstream.send(
      {
        method: 'POST',
        target: raw?.[raw.indexOf(':path') + 1] ?? '/',
        headers: ['Host', 'grpc.test', ...fields],
        body: flags & 1 ? undefined : Readable.from(stream),
        contentLength: undefined,
        upgrade: undefined,
        headTimeoutMs: 60_000,
        idleTimeoutMs: 60_000,
      },
      {
        onInform() {},
        onHead(status, _reason, headers, _length, hasBody) {
          // An answer of trailers only has its status in the head and must end with it.
          stream.respond({ ':status': status, ...toObject(headers) }, hasBody ? { waitForTrailers: true } : { endStream: true });
        },
        onData: (chunk) => {
          stream.write(chunk);
          return true;
        },
        onEnd(list) {
          trailers = toObject(list);
          if (!stream.writableEnded) stream.end();
        },
        onUpgrade() {},
        onError: () => stream.close(2),
      },
    );
    stream.on('aborted', () => call.abort());
  });
  return {
    server,
    stop() {
      for (const session of sessions) session.destroy();
      server.close();
      upstreams.close();
    },
  };
}

function toObject(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : [])));
}

test('gRPC passes: unary with trailers and status, client, server and bidirectional streams', async (t) => {
  const grpc = await startGrpcServer();
  const front = startFront(grpc.port);
  await new Promise<void>((resolve) => front.server.listen(0, '127.0.0.1', resolve));
  const client = new Client(`127.0.0.1:${(front.server.address() as AddressInfo).port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    front.stop();
    grpc.stop();
  });

  const trailer = Promise.withResolvers<unknown>();
  const unary = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeUnaryRequest(SERVICE.unary.path, same, same, Buffer.from('hi'), (error, value) =>
      error ? reject(error) : resolve(value),
    );
    call.on('status', (status) => trailer.resolve(status.metadata.get('x-trailer')[0]));
  });
  assert.equal(unary?.toString(), 'hi');
  assert.equal(await trailer.promise, 'yes');

  const failure = await new Promise<{ code?: number; details?: string } | null>((resolve) =>
    client.makeUnaryRequest(SERVICE.unary.path, same, same, Buffer.from('fail'), (error) => resolve(error)),
  );
  assert.deepEqual([failure?.code, failure?.details], [9, 'no way']);

  const collected = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(SERVICE.collect.path, same, same, (error, value) =>
      error ? reject(error) : resolve(value),
    );
    for (const part of ['a', 'b', 'c']) call.write(Buffer.from(part));
    call.end();
  });
  assert.equal(collected?.toString(), 'abc');

  const repeated: string[] = [];
  for await (const part of client.makeServerStreamRequest(SERVICE.repeat.path, same, same, Buffer.from('r'))) repeated.push(String(part));
  assert.deepEqual(
    repeated,
    Array.from({ length: 50 }, (_, i) => `r${i}`),
  );

  const chat = client.makeBidiStreamRequest(SERVICE.chat.path, same, same);
  const said: string[] = [];
  chat.write(Buffer.from('a'));
  for await (const part of chat) {
    said.push(String(part));
    if (said.length < 3) chat.write(Buffer.from('bcd'.charAt(said.length)));
    else chat.end();
  }
  assert.deepEqual(said, ['A', 'C', 'D']);
});
