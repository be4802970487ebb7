import type { JsonSchema } from '../entity/entity-schema.ts';
import type { Exchange } from '../http/exchange.ts';
import type { AdminOptions } from './types.ts';

/** A query parameter. Its values are checked before the handler runs. */
export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly doc: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
  /** The only values allowed. */
  readonly values?: readonly string[];
}

export interface BodyRule {
  readonly doc: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** The text of the 400 when it is no JSON. */
  readonly malformed?: string;
  /** Most bytes, where it is not `admin.max_body_bytes`. */
  readonly maxBytes?: number;
}

export interface ResponseRule {
  readonly doc: string;
  /** Of the JSON body; without one the body is empty, or plain text when `contentType` says so. */
  readonly schema?: JsonSchema;
  readonly contentType?: string;
}

/** One line of the table of admin routes: dispatch, validation, OpenAPI and the reference page read it. */
export interface AdminRoute {
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With `{name}` for one decoded segment. */
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  readonly query: readonly QueryParameter[];
  readonly body?: BodyRule;
  readonly responses: Readonly<Record<number, ResponseRule>>;
  /** Answers also while the gateway has not loaded its state. */
  readonly early?: true;
  /** Takes `If-Match` and `?expect=`. */
  readonly conditional?: true;
  /** Changes what the fleet shares: a watch-only node does not take it. */
  readonly isChange?: true;
  handle(request: AdminRequest, options: AdminOptions): AdminAnswer | Promise<AdminAnswer>;
}

/** A checked request, as handlers see it. */
export interface AdminRequest {
  readonly exchange: Exchange;
  /** Who calls; goes into the history. */
  readonly principal: string;
  /** Segments of the path by name, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Values of the query, of the type that the table names; defaults filled in. */
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  /** The parsed JSON body; `undefined` without one. */
  readonly body: unknown;
  /** The revision that the caller expects, from `If-Match` or `?expect=`. */
  readonly expect: number | undefined;
}

/** What is answered: JSON, or text, or nothing. */
export interface AdminAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  /** A body that is sent as it comes. */
  readonly stream?: AsyncIterable<Buffer>;
  readonly contentType?: string;
  /** The revision that the answer shows or made: sent as ETag and X-Sekisho-Revision. */
  readonly revision?: number;
  readonly headers?: readonly string[];
}
