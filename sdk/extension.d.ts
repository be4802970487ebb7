/* oxlint-disable typescript/no-explicit-any, typescript/triple-slash-reference -- JSON has any shape unless its reader says; ambient modules cannot be imported */
/// <reference path="./modules.d.ts" />

/*
 * Types for authors of extensions: code at the events of resources.
 *
 *   import type { ExtensionContext } from '@sekisho/sdk/extension';
 *   import { ResponseError } from 'sekisho/extension';
 *   import type { Schemas } from './schemas.ts'; // made by `sekisho types`
 *
 *   export const preCreateInTransaction = async (context: ExtensionContext<Schemas, 'network'>) => {
 *     const taken = await context.tx.list('network', { name: context.resource.name });
 *     if (taken.length > 0) throw new ResponseError(409, 'The name is taken.');
 *   };
 *
 * A handler is an exported function named as its event, in camel case or as it is; an action's is named by the action's id. The contexts of
 * single events and actions: `EventContext<Schemas, 'network', 'postList'>`, `ActionContext<Schemas, 'network', 'power_on'>`.
 */

/** Types of every schema by its id, as `sekisho types` makes them. */
export type SchemaTypes = Record<string, { resource: any; create: any; update: any }>;

/** Holds for whatever has types of schemas, interfaces too. */
export type HasTypes<Schemas> = { [Id in keyof Schemas]: { resource: any; create: any; update: any } };

/** `{property: value or list of values}`, operators as in the REST API (`age__gt`), `__and__` and `__or__` with lists of filters. */
export type Filter<Resource = any> = { [Name in keyof Resource]?: Resource[Name] | readonly Resource[Name][] } & {
  [name: string]: unknown;
};

export interface ListOptions {
  orderKey?: string;
  descending?: boolean;
  limit?: number;
  offset?: number;
  /** Locks the rows, and those that they relate to. */
  lock?: 'lock_related' | 'skip_related';
}

/** Rows of the database, without policies, validation or events. Errors have `code` (`RESOURCE_NOT_FOUND`, `RESOURCE_CONFLICT`, …) and `status`. */
export interface Transaction<Schemas extends HasTypes<Schemas> = SchemaTypes> {
  list<Id extends keyof Schemas & string>(
    schemaId: Id,
    filter?: Filter<Schemas[Id]['resource']>,
    options?: ListOptions,
  ): Promise<Schemas[Id]['resource'][]>;
  count<Id extends keyof Schemas & string>(schemaId: Id, filter?: Filter<Schemas[Id]['resource']>): Promise<number>;
  /** Rejects with RESOURCE_NOT_FOUND when there is none. */
  fetch<Id extends keyof Schemas & string>(schemaId: Id, id: string, options?: { tenantId?: string }): Promise<Schemas[Id]['resource']>;
  /** As `fetch`; others wait with changes of the row until the transaction ends. */
  lock<Id extends keyof Schemas & string>(
    schemaId: Id,
    id: string,
    options?: { tenantId?: string; lock?: 'lock_related' | 'skip_related' },
  ): Promise<Schemas[Id]['resource']>;
  /** What workers reported of a resource of a schema with `state_versioning`. */
  state(
    schemaId: keyof Schemas & string,
    id: string,
  ): Promise<{ config_version: number; state_version: number; error: string; state: string; monitoring: string }>;
  /** Fills in defaults, but no id; writes the event row. Gives the row as stored. */
  create<Id extends keyof Schemas & string>(schemaId: Id, resource: Schemas[Id]['create']): Promise<Schemas[Id]['resource']>;
  /** Changes the given properties only; writes the event row. */
  update<Id extends keyof Schemas & string>(schemaId: Id, id: string, changes: Schemas[Id]['update']): Promise<Schemas[Id]['resource']>;
  /** As `update`, without an event row. */
  updateState<Id extends keyof Schemas & string>(
    schemaId: Id,
    id: string,
    changes: Partial<Schemas[Id]['resource']>,
  ): Promise<Schemas[Id]['resource']>;
  delete(schemaId: keyof Schemas & string, id: string): Promise<void>;
  /** Any statement; each `?` is bound to a parameter. With a schema, columns named as by `columns` become its properties. */
  query<Row = any>(sql: string, parameters?: readonly unknown[], schemaId?: keyof Schemas & string): Promise<Row[]>;
  /** The select list of a schema's table. */
  columns(schemaId: keyof Schemas & string): Promise<string>;
}

/** Resources as the REST API treats them: validated, judged by the caller's policies, with the events inside the transaction. */
export interface Model<Schemas extends HasTypes<Schemas> = SchemaTypes> {
  list<Id extends keyof Schemas & string>(
    schemaId: Id,
    filter?: Filter<Schemas[Id]['resource']>,
    options?: ListOptions,
  ): Promise<Schemas[Id]['resource'][]>;
  fetch<Id extends keyof Schemas & string>(
    schemaId: Id,
    id: string,
    options?: { tenantIds?: readonly string[] },
  ): Promise<Schemas[Id]['resource']>;
  create<Id extends keyof Schemas & string>(schemaId: Id, resource: Schemas[Id]['create']): Promise<Schemas[Id]['resource']>;
  update<Id extends keyof Schemas & string>(
    schemaId: Id,
    id: string,
    changes: Schemas[Id]['update'],
    options?: { tenantIds?: readonly string[] },
  ): Promise<Schemas[Id]['resource']>;
  delete(schemaId: keyof Schemas & string, id: string): Promise<void>;
}

/** Who makes the request. */
export interface Auth {
  tenant_id: string;
  tenant_name: string;
  domain_id: string;
  domain_name: string;
  roles: string[];
  is_admin: boolean;
  scope: string;
}

/**
 * The one object that all handlers of a request get. What a handler puts into it, later ones find. Keys of the gateway may be written in
 * camel case or as Gohan has them (`context.tenant_id`).
 */
export interface ExtensionContext<
  Schemas extends HasTypes<Schemas> = SchemaTypes,
  Id extends keyof Schemas = keyof Schemas,
  Input = any,
  Response = any,
> {
  /** Id of the schema. */
  readonly schemaId: string;
  /** The schema: `ID`, `Singular`, `Plural`, `URL`, `Properties`, … */
  readonly schema: any;
  /** Path of the request. */
  readonly path: string;
  /** Parameters of the path, the ids of parents too. */
  readonly params: Record<string, string>;
  /** All values of each parameter. */
  readonly query: Record<string, string[]>;
  /** Method, URL, and header fields with names in lower case. */
  readonly httpRequest: {
    method: string;
    url: string;
    path: string;
    host: string;
    headers: Record<string, string>;
    remote_address: string;
  };
  /** A copy of the body as it came. */
  readonly requestData: any;
  readonly tenantId: string;
  readonly domainId: string;
  readonly auth: Auth;
  /** The caller's role for which the policy permits the request. */
  readonly role: { Name: string };
  /** Id of the request, in logs. */
  readonly traceId: string;
  /** Of show, update, delete, and of actions on one resource. */
  readonly id: string;
  /** The resource that is created, changed or deleted. What handlers before the statement make of it is stored. */
  resource: Schemas[Id]['resource'];
  /** The answer: in `postX` what the client will get. Set in `preList`, `preShow` or `preShowInTransaction` it is the answer and nothing is read. Of an action, its result. */
  response: Response;
  /** Number of resources, after a list. */
  readonly total: number;
  /** Input of an action, validated. */
  readonly input: Input;
  /** Of a watched key: `set` or `delete`, the key, and its value. */
  readonly action: 'set' | 'delete';
  readonly key: string;
  readonly data: any;

  /** In events inside the transaction: the request's. Elsewhere each call is a transaction of its own. */
  readonly tx: Transaction<Schemas>;
  /** Runs `work` in a transaction of its own, which is rolled back when `work` throws. */
  transact<Result>(work: (tx: Transaction<Schemas>) => Promise<Result>, options?: { isolation?: string }): Promise<Result>;
  readonly model: Model<Schemas>;
  /** HTTP call that ends with the request. */
  fetch(url: string | URL, options?: import('./index.d.ts').FetchOptions): Promise<import('./index.d.ts').FetchResponse>;
  /** A value of the configuration by its path (`database/type`), without secrets. */
  config<Value = any>(path: string, otherwise?: Value): Promise<Value>;
  readonly log: Record<'debug' | 'info' | 'warn' | 'error', (...texts: unknown[]) => void>;
  readonly secrets: { get(name: string): Promise<string | null> };
  /** Values that all requests of the node share, as JSON. */
  readonly cache: {
    get<Value = any>(key: string): Promise<Value | null>;
    /** Without `ttlMs` until memory is short. */
    set(key: string, value: unknown, options?: { ttlMs?: number }): Promise<void>;
  };
  readonly schemas: { list(): Promise<any[]>; url(schemaId: string): Promise<string> };
  /** Whatever handlers note for later ones. */
  [key: string]: any;
}

/** A handler. Rejecting it ends the request: with the answer of a ResponseError, else with 500. */
export type Handler<Schemas extends HasTypes<Schemas> = SchemaTypes, Id extends keyof Schemas = keyof Schemas> = (
  context: ExtensionContext<Schemas, Id>,
) => void | Promise<void>;

/** Inputs and outputs of a schema's actions by their ids. */
export type ActionsOf<Schemas, Id extends keyof Schemas> = Schemas[Id] extends { actions: infer Actions } ? Actions : object;

/** The context of an action: its input, and the output as its response. */
export type ActionContext<
  Schemas extends HasTypes<Schemas>,
  Id extends keyof Schemas,
  Action extends keyof ActionsOf<Schemas, Id>,
> = ExtensionContext<
  Schemas,
  Id,
  ActionsOf<Schemas, Id>[Action] extends { input: infer Input } ? Input : any,
  ActionsOf<Schemas, Id>[Action] extends { output: infer Output } ? Output : any
>;

/** The events of the operations, as exports name them. */
export type LifeEvent =
  | `${'pre' | 'post'}${'List' | 'Show' | 'Create' | 'Update' | 'Delete'}${'' | 'InTransaction'}`
  | `${'pre' | 'post'}${'StateUpdate' | 'MonitoringUpdate'}InTransaction`
  | 'notification'
  | 'postMigration';

/** What `context.response` is: the resource under its schema's singular name, or a list under the plural one. */
export type ResponseOf<Schema, Event extends LifeEvent> = Event extends `${'pre' | 'post'}List${string}`
  ? Schema extends { plural: infer Plural extends string; resource: infer Resource }
    ? Record<Plural, Resource[]>
    : any
  : Event extends `${'pre' | 'post'}${'Show' | 'Create' | 'Update'}${string}`
    ? Schema extends { singular: infer Singular extends string; resource: infer Resource }
      ? Record<Singular, Resource>
      : any
    : any;

/** The context of one event of a schema. */
export type EventContext<Schemas extends HasTypes<Schemas>, Id extends keyof Schemas, Event extends LifeEvent> = ExtensionContext<
  Schemas,
  Id,
  unknown,
  ResponseOf<Schemas[Id], Event>
>;

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name;

/** All handlers of a schema, typed by their events and actions: `({ … }) satisfies Handlers<Schemas, 'network'>`. */
export type Handlers<Schemas extends HasTypes<Schemas>, Id extends keyof Schemas> = {
  [Event in LifeEvent]?: (context: EventContext<Schemas, Id, Event>) => void | Promise<void>;
} & {
  [Action in keyof ActionsOf<Schemas, Id> as Action extends string ? Action | CamelCase<Action> : never]?: (
    context: ActionContext<Schemas, Id, Action>,
  ) => void | Promise<void>;
};
