import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { makeCertificate } from '../support/certificates.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';
import { until } from '../support/until.ts';

const same = (value: Buffer): Buffer => value;
function method(path: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}
const METHODS = {
  unary: method('/echo.Echo/Unary', false, false),
  collect: method('/echo.Echo/Collect', true, false),
  repeat: method('/echo.Echo/Repeat', false, true),
  chat: method('/echo.Echo/Chat', true, true),
  never: method('/echo.Echo/Never', false, false),
};

let folder: TempFolder;
let gateway: Gateway;
let server: Server;
let cancelled = 0;

function implement(): Server {
  const made = new Server();
  made.addService(METHODS, {
    unary(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      const initial = new Metadata();
      initial.set('x-initial', String(call.metadata.get('x-ask')[0] ?? 'none'));
      call.sendMetadata(initial);
      const trailers = new Metadata();
      trailers.set('x-trailer', 'yes');
      trailers.set('x-data-bin', Buffer.from([1, 2, 255]));
      if (call.request.toString() === 'fail') answer({ code: status.FAILED_PRECONDITION, details: 'no way: \u00fc', metadata: trailers });
      else answer(null, call.request, trailers);
    },
    collect(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      const parts: Buffer[] = [];
      call.on('data', (part: Buffer) => parts.push(part)).on('end', () => answer(null, Buffer.concat(parts)));
    },
    repeat(call: ServerWritableStream<Buffer, Buffer>) {
      call.on('cancelled', () => (cancelled += 1));
      if (call.request.toString() === 'forever') return void call.write(Buffer.from('first'));
      for (let i = 0; i < 100; i += 1) call.write(Buffer.concat([call.request, Buffer.from(String(i))]));
      call.end();
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('data', (part: Buffer) => call.write(Buffer.from(part.toString().toUpperCase()))).on('end', () => call.end());
    },
    never(call: ServerUnaryCall<Buffer, Buffer>) {
      call.on('cancelled', () => (cancelled += 1));
    },
  });
  return made;
}

before(async () => {
  folder = createTempFolder();
  const certificate = makeCertificate(folder.path, ['localhost']);
  const bind = async (target: Server, how: ServerCredentials): Promise<number> =>
    await new Promise((resolve, reject) => target.bindAsync('localhost:0', how, (error, port) => (error ? reject(error) : resolve(port))));
  server = implement();
  const plain = await bind(server, ServerCredentials.createInsecure());
  const secure = await bind(
    server,
    ServerCredentials.createSsl(null, [{ private_key: Buffer.from(certificate.key), cert_chain: Buffer.from(certificate.cert) }]),
  );
  const tls = { port: '${TLS_PORT}', cert_file: certificate.certFile, key_file: certificate.keyFile };
  gateway = await startGateway({ config: { proxy: { enable_http2: true, enable_h2c: true, tls } } });
  const domain = (name: string): Promise<unknown> => gateway.put('domain', { name, namespace: name, patterns: [`${name}.test`] });
  for (const name of ['plain', 'secure', 'module', 'down']) {
    await gateway.put('namespace', { name });
    await domain(name);
  }
  const route = { paths: ['/*'] };
  await deploy(gateway, 'g', { namespace: 'plain', route, urls: [`h2c://localhost:${plain}`] });
  await deploy(gateway, 'g', {
    namespace: 'secure',
    route,
    urls: [`https://localhost:${secure}`],
    service: { http2Only: true, tlsSkipVerify: true },
  });
  await deploy(gateway, 'g', {
    namespace: 'module',
    route,
    urls: [`h2c://localhost:${plain}`],
    source: `export const requestModifier = (ctx: any) => ctx.request().headers.set('x-ask', 'module')
      export const responseModifier = (ctx: any) => ctx.upstream().headers.set('x-seen', ctx.upstream().protocol)`,
  });
  await deploy(gateway, 'g', { namespace: 'down', route, urls: ['h2c://127.0.0.1:1'] });
});
after(async () => {
  server.forceShutdown();
  await gateway[Symbol.asyncDispose]();
  folder.remove();
});

function connect(name: string): Client {
  return new Client(`127.0.0.1:${gateway.ports.proxy}`, credentials.createInsecure(), { 'grpc.default_authority': `${name}.test` });
}

interface Unary {
  readonly error: ServiceError | null;
  readonly value: string | undefined;
  readonly initial: Metadata;
  readonly trailers: Metadata;
}

function unary(
  client: Client,
  text: string,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Buffer, Buffer> = METHODS.unary,
  timeoutMs = 60_000,
): Promise<Unary> {
  return new Promise((resolve) => {
    const metadata = new Metadata();
    metadata.set('x-ask', 'client');
    let initial = new Metadata();
    let outcome: Pick<Unary, 'error' | 'value'> | undefined;
    let trailers: Metadata | undefined;
    const settle = (): void => {
      if (outcome !== undefined && trailers !== undefined) resolve({ ...outcome, initial, trailers });
    };
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from(text),
      metadata,
      { deadline: Date.now() + timeoutMs },
      (error, value) => {
        outcome = { error, value: value?.toString() };
        settle();
      },
    );
    call.on('metadata', (got: Metadata) => (initial = got));
    call.on('status', (got) => {
      trailers = got.metadata;
      settle();
    });
  });
}

for (const name of ['plain', 'secure', 'module']) {
  test(`unary, metadata, trailers and errors (${name})`, async () => {
    const client = connect(name);
    const good = await unary(client, 'hello');
    assert.equal(good.error, null);
    assert.equal(good.value, 'hello');
    assert.deepEqual(good.initial.get('x-initial'), [name === 'module' ? 'module' : 'client']);
    if (name === 'module') assert.deepEqual(good.initial.get('x-seen'), ['HTTP/2.0']);
    assert.deepEqual(good.trailers.get('x-trailer'), ['yes']);
    assert.deepEqual(good.trailers.get('x-data-bin'), [Buffer.from([1, 2, 255])]);
    const bad = await unary(client, 'fail');
    assert.equal(bad.error?.code, status.FAILED_PRECONDITION);
    assert.equal(bad.error?.details, 'no way: \u00fc');
    assert.deepEqual(bad.trailers.get('x-trailer'), ['yes']);
    const large = await unary(client, 'x'.repeat(3_000_000));
    assert.equal(large.value?.length, 3_000_000);
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => unary(client, `n${i}`)));
    assert.deepEqual(
      many.map(({ value }) => value),
      Array.from({ length: 50 }, (_, i) => `n${i}`),
    );
    client.close();
  });

  test(`client, server and both-way streams (${name})`, async () => {
    const client = connect(name);
    const { collect, repeat, chat } = METHODS;
    const collected = new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(collect.path, same, same, (error, value) =>
        error ? reject(error) : resolve(String(value)),
      );
      for (const part of ['a', 'b', 'c']) call.write(Buffer.from(part));
      call.end();
    });
    assert.equal(await collected, 'abc');
    const repeated: string[] = [];
    for await (const part of client.makeServerStreamRequest(repeat.path, same, same, Buffer.from('r'))) repeated.push(String(part));
    assert.equal(repeated.length, 100);
    assert.equal(repeated.at(-1), 'r99');
    const talk = client.makeBidiStreamRequest(chat.path, same, same);
    const next = async (): Promise<string> => await new Promise((resolve) => talk.once('data', (part: Buffer) => resolve(String(part))));
    for (const word of ['one', 'two', 'three']) {
      talk.write(Buffer.from(word));
      assert.equal(await next(), word.toUpperCase(), 'every message is answered before the next is sent');
    }
    talk.end();
    client.close();
  });
}

test('a deadline or a client that cancels ends the call at the upstream; an upstream that is down is UNAVAILABLE', async () => {
  const client = connect('plain');
  const before = cancelled;
  assert.equal((await unary(client, 'x', METHODS.never, 2000)).error?.code, status.DEADLINE_EXCEEDED);
  await until('the deadline arrived', () => cancelled === before + 1);
  const stream = client.makeServerStreamRequest(METHODS.repeat.path, same, same, Buffer.from('forever'));
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.cancel();
  await until('the cancel arrived', () => cancelled === before + 2);
  assert.equal((await unary(client, 'still works')).value, 'still works');
  client.close();
  const down = connect('down');
  assert.equal((await unary(down, 'x')).error?.code, status.UNAVAILABLE);
  down.close();
});

test('over the TLS listener', async () => {
  const client = new Client(`127.0.0.1:${gateway.ports.tls}`, credentials.createSsl(null, null, null, { rejectUnauthorized: false }), {
    'grpc.default_authority': 'plain.test',
  });
  assert.equal((await unary(client, 'secure')).value, 'secure');
  client.close();
});
