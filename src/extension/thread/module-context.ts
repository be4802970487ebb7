import { moduleFetch } from '../../runtime/thread/builtin-http.ts';
import { toSnakeCase } from '../event-names.ts';
import type { ListOptions } from '../host-calls.ts';
import type { Gateway } from './gateway.ts';
import { type AskGateway, createModuleTransaction } from './module-transaction.ts';
import { type Run, readValue } from './run.ts';
import type { EventContext, LogLevel } from './types.ts';

/** What a module's context needs of its thread. */
export interface ModuleContextOptions {
  readonly gateway: Gateway;
  log(level: LogLevel, run: Run, text: string): void;
}

type Fields = Record<string, unknown>;

/** Keys of the gateway: set in camel case they are these, not new ones. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'path http_request request_data params query schema schema_id tenant_id domain_id auth role policy trace_id event_type id resource ' +
    'response total input transaction exception exception_message response_code state config_version monitoring action data key'
  ).split(' '),
);

/**
 * The context as handlers of modules see it: the keys of the request's context, in camel case (`context.tenantId`) or as they are
 * (`context.tenant_id`), and the parts that reach the gateway (`tx`, `model`, …).
 */
export function createModuleContext(run: Run, options: ModuleContextOptions): EventContext {
  const { context } = run.box;
  let parts: Fields | undefined;
  const part = (name: string): unknown => {
    parts ??= createParts(run, options);
    return parts[name];
  };
  return new Proxy(context, {
    get(_target, key) {
      if (typeof key !== 'string') return undefined;
      return PART_NAMES.has(key) ? part(key) : readValue(context, keyOf(context, key));
    },
    set(_target, key, value) {
      if (typeof key !== 'string') return false;
      if (PART_NAMES.has(key)) throw new TypeError(`context.${key} is given and cannot be set`);
      const name = keyOf(context, key);
      if (name === 'response') run.hasSetResponse = true;
      context[name] = value;
      return true;
    },
    has: (_target, key) => typeof key === 'string' && (PART_NAMES.has(key) || keyOf(context, key) in context),
    getOwnPropertyDescriptor(_target, key) {
      if (typeof key === 'string') readValue(context, key);
      return Reflect.getOwnPropertyDescriptor(context, key);
    },
    deleteProperty: (_target, key) => typeof key === 'string' && delete context[keyOf(context, key)],
  });
}

const snakeNames = new Map<string, string>();
const MAX_NAMES = 1000;

function keyOf(context: EventContext, key: string): string {
  if (key in context) return key;
  let snake = snakeNames.get(key);
  if (snake === undefined) {
    snake = toSnakeCase(key);
    if (snakeNames.size < MAX_NAMES) snakeNames.set(key, snake);
  }
  return KNOWN.has(snake) || snake in context ? snake : key;
}

const PART_NAMES: ReadonlySet<string> = new Set(['tx', 'transact', 'model', 'fetch', 'config', 'log', 'secrets', 'cache', 'schemas']);

function createParts(run: Run, { gateway, log }: ModuleContextOptions): Fields {
  const call: AskGateway = async (name, ...args) => (await gateway.call(run.inv, name, args)) as never;
  const { context } = run.box;
  const at =
    (level: LogLevel) =>
    (...texts: unknown[]): void =>
      log(level, run, texts.map((text) => (typeof text === 'string' ? text : JSON.stringify(text))).join(' '));
  return {
    tx: createModuleTransaction(call, () => (context['transaction'] === undefined ? null : 'request')),
    transact: async (work: (tx: object) => unknown, options: { isolation?: string } = {}) => {
      const handle = await call('db.begin', options.isolation);
      try {
        const result = await work(createModuleTransaction(call, () => handle));
        await call('db.commit', handle);
        return result;
      } finally {
        await call('db.close', handle);
      }
    },
    model: createModel(call),
    fetch: moduleFetch,
    config: async (path: string, otherwise?: unknown) => (await call('config.get', path)) ?? otherwise,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    secrets: { get: async (name: string) => (await call('secret.get', name)) ?? null },
    cache: {
      get: async (key: string) => {
        const text = await call('cache.get', key);
        return text === undefined || text === null ? null : (JSON.parse(text) as unknown);
      },
      set: async (key: string, value: unknown, { ttlMs = 0 }: { ttlMs?: number } = {}) =>
        await call('cache.set', key, JSON.stringify(value), ttlMs),
    },
    schemas: { list: async () => await call('schema.list'), url: async (schemaId: string) => await call('schema.url', schemaId) },
  };
}

function createModel(call: AskGateway): object {
  return {
    list: async (schemaId: string, filter: Fields = {}, options: ListOptions = {}) =>
      await call('model.list', schemaId, filter, options, 'full'),
    fetch: async (schemaId: string, id: string, options: { tenantIds?: readonly string[] } = {}) =>
      await call('model.fetch', schemaId, id, options, 'full'),
    create: async (schemaId: string, resource: Fields) => await call('model.create', schemaId, resource, 'full'),
    update: async (schemaId: string, id: string, changes: Fields, options: { tenantIds?: readonly string[] } = {}) =>
      await call('model.update', schemaId, id, changes, options, 'full'),
    delete: async (schemaId: string, id: string) => await call('model.delete', schemaId, id, 'full'),
  };
}
