import type { Exchange } from '../http/exchange.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Database } from '../sql/types.ts';
import type { TunnelTarget } from './action-tunnel.ts';
import type { Events } from './events.ts';
import type { Models } from './models.ts';

/** A whole answer, before CORS fields are added. A body is JSON text. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body?: string;
  /** `application/json` when absent. */
  readonly contentType?: string;
  /** A body that is no JSON text; its type is among the headers. */
  readonly rawBody?: Buffer;
  /** Instead of an answer the client is joined with this server. */
  readonly tunnel?: TunnelTarget;
}

/** What access log and metrics are told about a request; the caller of `handle` owns it. */
export interface RequestNote {
  /** Of the request, in logs and for extensions. */
  readonly id: string;
  route: string;
  pattern: string;
  status: number;
  error?: SekishoError;
}

/** One operation on the resources of one type, whoever asks for it: a client, or a handler of an extension. */
export interface Work {
  readonly models: Models;
  readonly database: Database;
  readonly identity: Identity;
  readonly type: ResourceType;
  /** Absent for the collection. */
  readonly id: string | undefined;
  /** Ids of the ancestors in a long path, outermost first; empty for short ones. */
  readonly ancestorIds: readonly string[];
  /** Undefined when no handler waits for an event of the operation: nothing is prepared for any then. */
  readonly events: Events | undefined;
}

/** One identified request for the resources of one type, with everything that its operation works with. */
export interface Call extends Work {
  readonly exchange: Exchange;
  readonly secrets: Secrets;
  readonly limits: ApiLimits;
}

/** Keys derived once at start: tags must not be guessable, page tokens not readable. */
export interface Secrets {
  readonly tagKey: string;
  readonly pageKey: Buffer;
}

export interface ApiLimits {
  readonly maxBodyBytes: number;
  readonly maxPageSize: number;
  /** Rows up to which estimates are exact counts. */
  readonly exactCountLimit: number;
}
