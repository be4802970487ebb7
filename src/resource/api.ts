import { hkdfSync } from 'node:crypto';
import type { Exchange } from '../http/exchange.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import type { PolicySet } from '../policy/types.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import type { Database } from '../sql/types.ts';
import { authenticate, type Identifier } from './authenticate.ts';
import { compileCors } from './cors.ts';
import { META_OPERATIONS } from './meta.ts';
import { compileModels, type Models } from './models.ts';
import { create } from './operation-create.ts';
import { remove } from './operation-delete.ts';
import { list } from './operation-list.ts';
import { show } from './operation-show.ts';
import { patch, put } from './operation-update.ts';
import { sendAnswer, sendProblem } from './respond.ts';
import type { Target } from './router.ts';
import type { Answer, ApiLimits, Call, RequestNote, Secrets } from './types.ts';

export interface ResourceApiOptions {
  readonly schemas: SchemaSet;
  readonly policies: PolicySet;
  readonly identifier: Identifier;
  readonly database: Database;
  /** `*`, origins joined by commas, or empty. */
  readonly cors: string;
  /** Version of the gateway, and of the application. */
  readonly version: string;
  readonly appVersion: string;
  /** Tags and page tokens are keyed by it; the same on all nodes and after a restart. */
  readonly secret: string;
  readonly limits: ApiLimits;
  /** The OpenAPI document of the types that a caller may read. */
  readonly openapi: (schemas: SchemaSet, visible: readonly ResourceType[]) => object;
}

/** The REST API of one set of schemas. */
export interface ResourceApi {
  /** Whether a schema has the path, with whatever method. */
  handles(path: string): boolean;
  /** Answers a request whose path it handles, and notes what log and metrics tell about it. */
  handle(exchange: Exchange, note: RequestNote): void;
  /** Serves another set from now on; requests under way finish with the one that they began with. */
  swap(schemas: SchemaSet, policies: PolicySet): void;
  /** Resolves when no request is being answered any more. */
  close(): Promise<void>;
}

type Operation = (call: Call) => Promise<Answer>;

const COLLECTION: Readonly<Record<string, Operation>> = { GET: list, HEAD: list, POST: create };
const ITEM: Readonly<Record<string, Operation>> = { GET: show, HEAD: show, PUT: put, PATCH: patch, DELETE: remove };
const META_METHODS = ['GET', 'HEAD'];

/**
 * The path of every request: match → identify → operation → respond. An operation is: authorise → parse → validate → BEGIN → SQL and event row → COMMIT →
 * leave out what the caller may not see.
 */
export function createResourceApi(options: ResourceApiOptions): ResourceApi {
  const { identifier, database, limits } = options;
  const cors = compileCors(options.cors);
  const secrets = deriveSecrets(options.secret);
  const running = new Set<Promise<void>>();
  let models: Models = compileModels(options.schemas, options.policies);

  const answer = async (target: Target, exchange: Exchange, using: Models): Promise<Answer> => {
    const { method } = exchange;
    if (method === 'OPTIONS') return { status: 200, headers: ['Allow', allowOf(target), ...cors.preflightFields(exchange.headers)], body: '' };
    const identity = await authenticate(exchange, identifier, using.policies);
    if (target.kind === 'meta') {
      const operation = META_METHODS.includes(method) ? META_OPERATIONS[target.name] : undefined;
      if (operation === undefined) throw wrongMethod(exchange, target);
      const { version, appVersion } = options;
      const openapi = (visible: readonly ResourceType[]): object => options.openapi(using.schemas, visible);
      return await operation({ models: using, database, identity, exchange, id: target.id, version, appVersion, openapi });
    }
    const { type, id, ancestorIds } = target;
    const operation = operationsOf(target)[method];
    if (operation === undefined) throw wrongMethod(exchange, target);
    return await operation({ exchange, models: using, database, identity, type, id, ancestorIds, secrets, limits });
  };

  const serve = async (target: Target, exchange: Exchange, note: RequestNote): Promise<void> => {
    const fields = exchange.method === 'OPTIONS' ? [] : cors.fields(exchange.headers);
    try {
      sendAnswer(exchange, note, await answer(target, exchange, models), fields);
    } catch (error) {
      const known = toSekishoError(error);
      sendProblem(exchange, note, known, known.code === 'RESOURCE_METHOD' ? [...fields, 'Allow', allowOf(target)] : fields);
    }
  };

  return {
    handles: (path) => models.router.match(path) !== undefined,
    handle(exchange, note) {
      const target = models.router.match(exchange.path, exchange.method);
      if (target === undefined) {
        return sendProblem(exchange, note, new SekishoError('RESOURCE_NOT_FOUND', 'No schema has this path.'), cors.fields(exchange.headers));
      }
      note.route = target.kind === 'meta' ? `meta:${target.name}` : models.planOf(target.type).metricName;
      note.pattern = target.pattern;
      const task = serve(target, exchange, note).finally(() => running.delete(task));
      running.add(task);
    },
    swap(schemas, policies) {
      models = compileModels(schemas, policies);
    },
    async close() {
      await Promise.allSettled(running);
    },
  };
}

function operationsOf(target: Target & { readonly kind: 'resource' }): Readonly<Record<string, Operation>> {
  return target.id === undefined ? COLLECTION : ITEM;
}

function allowOf(target: Target): string {
  const methods = target.kind === 'meta' ? META_METHODS : Object.keys(operationsOf(target));
  return [...methods, 'OPTIONS'].join(', ');
}

function wrongMethod(exchange: Exchange, target: Target): SekishoError {
  return new SekishoError('RESOURCE_METHOD', `${exchange.path} has ${allowOf(target)}, not ${exchange.method}.`);
}

function deriveSecrets(secret: string): Secrets {
  const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', use, 32));
  return { tagKey: derive('entity tags').toString('base64url'), pageKey: derive('page tokens') };
}
