import { hkdfSync } from 'node:crypto';
import type { Extensions } from '../extension/types.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Upstreams } from '../http/upstreams.ts';
import type { Identifier } from '../identity/identify.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import type { PolicySet } from '../policy/types.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { Database } from '../sql/types.ts';
import { openTunnel } from './action-tunnel.ts';
import { createAnswerer } from './answerer.ts';
import { toRefusal } from './authenticate.ts';
import { compileCors } from './cors.ts';
import { createEventRunner, type RunEvent } from './event-runner.ts';
import { explainTarget, NOWHERE, type ResourceVerdict } from './explain.ts';
import { isExtensionFailure, toFailureAnswer, toFailureError } from './extension-answer.ts';
import { answerFakeLogin, isFakeLogin } from './fake-login.ts';
import { createGate } from './gate.ts';
import { type HostCall, refuseHostCall } from './host-call.ts';
import type { About } from './meta.ts';
import { compileModels, type Models } from './models.ts';
import { allowOf } from './operations.ts';
import { sendAnswer, sendProblem } from './respond.ts';
import type { Target } from './router.ts';
import type { Answer, ApiLimits, RequestNote, Secrets } from './types.ts';

export interface ResourceApiOptions {
  readonly schemas: SchemaSet;
  readonly policies: PolicySet;
  readonly identifier: Pick<Identifier, 'identify'>;
  /** Serve the endpoints of the fake Keystone beside the schemas. */
  readonly hasFakeLogin: boolean;
  readonly database: Database;
  /** `*`, origins joined by commas, or empty. */
  readonly cors: string;
  readonly about: About;
  /** Tags and page tokens are keyed by it; the same on all nodes and after a restart. */
  readonly secret: string;
  readonly limits: ApiLimits;
  /** What runs at the events of the schemas; undefined when they have no extensions. */
  readonly extensions?: Extensions | undefined;
  /** Answers what extensions ask of the gateway beside its resources: `http.*`, `config.*`, … */
  readonly hostCall?: HostCall;
  /** Where clients of actions with a protocol of their own are joined with other servers. */
  readonly upstreams?: Upstreams;
  /** Connections of the database; transactions with handlers leave one of them for what handlers do outside of those. */
  readonly maxOpenConnections?: number;
}

/** The REST API of one set of schemas. */
export interface ResourceApi {
  /** Answers a request, and notes what log and metrics tell about it; false, with nothing done, when no schema has its path. */
  handle(exchange: Exchange, note: RequestNote): boolean;
  /** What would be done with a request, whoever makes it; undefined when no schema has its path. */
  explain(method: string, path: string): ResourceVerdict | undefined;
  /**
   * Serves another set from now on; requests under way finish with the one that they began with. Resolves when they have: then nothing uses that one's
   * extensions any more.
   */
  swap(schemas: SchemaSet, policies: PolicySet, extensions?: Extensions): Promise<void>;
  /** Runs events that no request causes: of cron, watched keys, reported states, migrations. */
  readonly runEvent: RunEvent;
  /** Resolves when no request is being answered any more. */
  close(): Promise<void>;
}

/**
 * The path of every request: match → identify → operation → respond. An operation is: authorise → parse → validate → BEGIN → SQL and event row → COMMIT →
 * leave out what the caller may not see.
 */
export function createResourceApi(options: ResourceApiOptions): ResourceApi {
  const cors = compileCors(options.cors);
  const running = new Set<Promise<void>>();
  const hostCall = options.hostCall ?? refuseHostCall;
  const gate = createGate(Math.max(1, (options.maxOpenConnections ?? DEFAULT_CONNECTIONS) - 1));
  const runEvent = createEventRunner({ database: options.database, models: () => models, hostCall, gate });
  const answer = createAnswerer({ ...options, cors, hostCall, gate, secrets: deriveSecrets(options.secret) });
  let models: Models = compileModels(options.schemas, options.policies, options.extensions);

  const send = async (found: Answer, exchange: Exchange, note: RequestNote, fields: readonly string[]): Promise<void> => {
    if (found.tunnel === undefined) return sendAnswer(exchange, note, found, fields);
    if (options.upstreams === undefined) throw new SekishoError('INTERNAL', 'nothing is known that reaches other servers');
    await openTunnel(exchange, options.upstreams, found.tunnel);
    note.status = found.status;
  };
  const serve = async (answering: Promise<Answer>, exchange: Exchange, note: RequestNote, target?: Target): Promise<void> => {
    const fields = exchange.method === 'OPTIONS' ? [] : cors.fields(exchange.headers);
    try {
      await send(await answering, exchange, note, fields);
    } catch (error) {
      const failure = isExtensionFailure(error) ? toFailureAnswer(error) : undefined;
      if (failure !== undefined) return sendAnswer(exchange, note, failure, fields);
      const known = toRefusal(exchange, toSekishoError(isExtensionFailure(error) ? toFailureError(error) : error));
      sendProblem(
        exchange,
        note,
        known,
        known.code === 'RESOURCE_METHOD' && target !== undefined ? [...fields, 'Allow', allowOf(target)] : fields,
      );
    }
  };
  const start = (task: Promise<void>): true => {
    running.add(task);
    void task.finally(() => running.delete(task));
    return true;
  };

  return {
    handle(exchange, note) {
      const target = models.router.match(exchange.path, exchange.method);
      if (target === undefined) {
        if (exchange.method === 'OPTIONS') {
          note.route = 'meta:options';
          return start(serve(Promise.resolve(nothingAllowed(cors.preflightFields(exchange.headers))), exchange, note));
        }
        if (!options.hasFakeLogin || !isFakeLogin(exchange.path)) return false;
        note.route = 'meta:login';
        return start(serve(answerFakeLogin(exchange), exchange, note));
      }
      note.route = target.kind === 'meta' ? `meta:${target.name}` : models.planOf(target.type).metricName;
      note.pattern = target.pattern;
      return start(serve(answer(target, exchange, models, note), exchange, note, target));
    },
    explain(method, path) {
      const target = models.router.match(path, method);
      if (target === undefined) return method === 'OPTIONS' ? NOWHERE : undefined;
      return explainTarget(target, method);
    },
    async swap(schemas, policies, extensions) {
      models = compileModels(schemas, policies, extensions);
      await Promise.allSettled(running);
    },
    runEvent(environment, event, fields, how) {
      const outcome = runEvent(environment, event, fields, how);
      start(
        outcome.then(
          () => undefined,
          () => undefined,
        ),
      );
      return outcome;
    },
    async close() {
      await Promise.allSettled(running);
    },
  };
}

/** As in Gohan `OPTIONS` never fails: a page that asks for a path that is not there learns so from its request itself, not from its preflight. */
function nothingAllowed(fields: readonly string[]): Answer {
  return { status: 200, headers: ['Allow', 'OPTIONS', ...fields] };
}

const DEFAULT_CONNECTIONS = 100;

function deriveSecrets(secret: string): Secrets {
  const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', use, 32));
  return { tagKey: derive('entity tags').toString('base64url'), pageKey: derive('page tokens') };
}
