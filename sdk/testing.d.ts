/* oxlint-disable typescript/no-explicit-any -- JSON has any shape unless its reader says */

/*
 * Types for tests of extensions, of `sekisho/testing`:
 *
 *   import assert from 'node:assert/strict';
 *   import { test } from 'node:test';
 *   import { startModels } from 'sekisho/testing';
 *   import type { Schemas } from './schemas.ts'; // made by `sekisho types`
 *
 *   test('an order reserves its pet', async () => {
 *     await using models = await startModels<Schemas>({ schemas: '../schemas/petstore.yaml', folder: import.meta.dirname });
 *     …
 *   });
 *
 * `sekisho test` runs them, and so does `node --test`.
 */

import type { HasTypes, SchemaTypes, Transaction } from './extension.d.ts';

export interface StartModelsOptions {
  /** Schema files; those that they include and the extensions that they name come with them. Default: those of `configFile`. */
  schemas?: string | readonly string[];
  /** Relative names begin here, and extensions may read files here; default the working folder. */
  folder?: string;
  /** A configuration file, for the limits and the npm packages of extensions, and for jobs and watched keys. */
  configFile?: string;
  /** What `context.config('a/b')` finds, before the configuration. */
  config?: Readonly<Record<string, unknown>>;
}

export interface RequestOptions {
  /** Sent as JSON, a text as it is. */
  body?: unknown;
  /** `admin_token` by default; `demo_token` and `power_user_token` are members of two tenants; empty for none. */
  token?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface TestAnswer<Body = any> {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed, where it is JSON; undefined when there is none. */
  readonly body: Body;
}

/** What the handlers of an event left in their context. */
export interface EventOutcome {
  readonly resource?: any;
  readonly response?: any;
  readonly state?: any;
  readonly monitoring?: any;
  readonly hasNewResponse: boolean;
}

/** How an expected call ends. */
export interface ExpectedAnswer {
  /** An object is answered as JSON. */
  reply(status: number, body?: unknown, headers?: Readonly<Record<string, string>>): void;
  /** The network fails. */
  fail(reason?: string): void;
}

/** The REST API of schemas with their extensions, on an empty SQLite database in memory. `await using` closes it, which fails the test when calls are missing. */
export interface ModelsUnderTest<Schemas extends HasTypes<Schemas> = SchemaTypes> extends AsyncDisposable {
  /** A request as a client makes it, with policies, events and all. */
  request<Body = any>(method: string, path: string, options?: RequestOptions): Promise<TestAnswer<Body>>;
  /**
   * Runs the handlers of one event alone, by Gohan's name of it: `trigger('order', 'pre_create_in_transaction', { resource })`. Events `…_in_transaction` have a
   * transaction, which is undone when a handler rejects. Rejects with what the handlers threw: `status`, `message`.
   */
  trigger(schemaId: keyof Schemas & string, event: string, fields?: Readonly<Record<string, unknown>>): Promise<EventOutcome>;
  /** Rows, to prepare and to look at: no handlers run, each call is a transaction of its own. */
  readonly tx: Transaction<Schemas>;
  /** Calls of extensions to other services: each has to be expected, in order. */
  readonly fetch: {
    expect(method: string, url: string, call?: { body?: unknown; headers?: Readonly<Record<string, string>> }): ExpectedAnswer;
  };
  /** Changes what `context.config` finds. */
  readonly config: { set(path: string, value: unknown): void };
  /** `Date` of extensions. Once set it stands still, until it is advanced or let go. */
  readonly clock: { set(time: Date | string | number): void; advance(milliseconds: number): void; go(): void };
  /** What extensions wrote into the log, and the stacks of their defects. */
  readonly log: readonly string[];
  /** Throws when calls came unexpected, or expected ones did not come so far. */
  verify(): void;
  close(): Promise<void>;
}

/** Rejects as a gateway would at its start, with `code` and `errors`: SCHEMA_INVALID, EXTENSION_COMPILE, EXTENSION_LOAD. */
export function startModels<Schemas extends HasTypes<Schemas> = SchemaTypes>(
  options: StartModelsOptions,
): Promise<ModelsUnderTest<Schemas>>;
