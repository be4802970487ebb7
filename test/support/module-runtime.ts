import type { Collection, Document, Namespace, Route, Service } from '../../src/entity/types.ts';
import type { ModuleRuntimeOptions } from '../../src/runtime/options.ts';
import { createModuleRuntime } from '../../src/runtime/runtime.ts';
import type { Bridge, HandlerOutcome, ModuleRequest, ModuleRuntime, Program } from '../../src/runtime/types.ts';
import { PATIENCE_MS } from './until.ts';

/** A bridge that keeps documents and collections in memory; collections must be put first, the secret `key` is `s3cret`. */
export function memoryBridge(): Bridge {
  const documents = new Map<string, Document>();
  const collections = new Map<string, Collection>();
  const keyOf = (...parts: string[]): string => parts.join('/');
  return {
    getDocument: async (namespace, collection, id) => documents.get(keyOf(namespace, collection, id)),
    listDocuments: async (namespace, collection, limit, offset) =>
      [...documents.values()].filter((one) => one.namespace === namespace && one.collection === collection).slice(offset, offset + limit),
    async putDocument(namespace, collection, id, data) {
      const at = new Date().toISOString();
      const document = { id, namespace, collection, createdAt: at, updatedAt: at, data };
      documents.set(keyOf(namespace, collection, id), document);
      return document;
    },
    deleteDocument: async (namespace, collection, id) => documents.delete(keyOf(namespace, collection, id)),
    getCollection: async (namespace, name) => collections.get(keyOf(namespace, name)),
    async putCollection(namespace, collection) {
      collections.set(keyOf(namespace, collection.name), { visibility: 'private', type: 'document', ...collection, namespace });
    },
    async deleteCollection(namespace, name) {
      collections.delete(keyOf(namespace, name));
    },
    getSecret: async (_namespace, name) => (name === 'key' ? 's3cret' : undefined),
  };
}

/** A runtime with deadlines that suit tests; ends with `close()`. */
export function testRuntime(options: Partial<ModuleRuntimeOptions> = {}): ModuleRuntime {
  return createModuleRuntime({
    bridge: memoryBridge(),
    timeoutMs: PATIENCE_MS,
    syncTimeoutMs: PATIENCE_MS,
    env: { MODE: 'test' },
    ...options,
  });
}

const NAMESPACE: Namespace = { name: 'default' };
const ROUTE: Route = { name: 'r', namespace: 'default', paths: ['/x'], methods: ['GET'], preserveHost: false, stripPath: false };
const SERVICE: Service = {
  name: 's',
  namespace: 'default',
  urls: ['http://a.test', 'http://b.test'],
  retries: 3,
  retryTimeout: '50ms',
  connectTimeout: '1s',
  requestTimeout: '2s',
  tlsSkipVerify: false,
  http2Only: false,
  hideDGateHeaders: false,
  disableQueryParams: false,
};

/** A GET of /x without a body, where nothing else is said. */
export function testRequest(changes: Partial<ModuleRequest> = {}, body = '', upstreamBody = ''): ModuleRequest {
  return {
    id: 'req-1',
    method: 'GET',
    path: '/x',
    query: '',
    host: 'h.test:8080',
    version: '1.1',
    headers: [],
    remoteAddress: '127.0.0.1',
    isTls: false,
    contentLength: Buffer.byteLength(body),
    pathParams: [],
    route: ROUTE,
    service: SERVICE,
    namespace: NAMESPACE,
    readRequestBody: async () => Buffer.from(body),
    readUpstreamBody: async () => Buffer.from(upstreamBody),
    ...changes,
  };
}

/** Loads one TypeScript module as a program. */
export function loadModule(runtime: ModuleRuntime, source: string, name = 'm'): Promise<Program> {
  return runtime.load({ namespace: 'default', modules: [{ name, type: 'typescript', source }] });
}

/** Runs the handle phase of one request. */
export async function handle(program: Program, request: ModuleRequest = testRequest()): Promise<HandlerOutcome> {
  const invocation = program.begin(request);
  try {
    return await invocation.handle();
  } finally {
    invocation.end();
  }
}

/** Runs a `requestHandler` with this body and gives the JSON that it answers. */
export async function evaluate(runtime: ModuleRuntime, body: string, request?: ModuleRequest, head = ''): Promise<unknown> {
  const program = await loadModule(runtime, `${head}\nexport const requestHandler = async (ctx: any) => { ${body} }`);
  try {
    const { response, failure } = await handle(program, request);
    if (failure !== undefined) throw new Error(failure.error.message, { cause: failure.error.cause });
    return JSON.parse(response?.body.toString() ?? 'null');
  } finally {
    program.release();
  }
}
