import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { readConfigPath } from '../../extension/host/config-path.ts';
import type { HttpCall } from '../../extension/host-calls.ts';
import { toEnvironments } from '../../extension/to-environments.ts';
import type { EventOutcome, Fields } from '../../extension/types.ts';
import { createIdentifier } from '../../identity/identify.ts';
import { createProviders } from '../../identity/providers.ts';
import { subscribe } from '../../lib/event.ts';
import { createResourceApi } from '../../resource/api.ts';
import { loadSchemas } from '../../schema/load-schemas.ts';
import { toEnvironmentsOptions } from '../extension-options.ts';
import { toResourceApiOptions } from '../models-options.ts';
import { createFetchBook, type FetchMock } from './fetch-mock.ts';
import { openTestModels, type TestModels } from './test-models.ts';
import { askForTest, type TestAnswer } from './test-request.ts';
import { createTestRows } from './test-rows.ts';
import { readTestSettings } from './test-settings.ts';

/** See `sdk/testing.d.ts`, which types all of this for the authors of tests. */
export interface StartModelsOptions {
  readonly schemas?: string | readonly string[];
  readonly folder?: string;
  readonly configFile?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ModelsUnderTest extends AsyncDisposable {
  request(method: string, path: string, options?: RequestOptions): Promise<TestAnswer>;
  trigger(environment: string, event: string, fields?: Fields): Promise<EventOutcome>;
  readonly tx: object;
  readonly fetch: FetchMock;
  readonly config: { set(path: string, value: unknown): void };
  readonly clock: { set(time: Date | string | number): void; advance(milliseconds: number): void; go(): void };
  readonly log: readonly string[];
  verify(): void;
  close(): Promise<void>;
}

/**
 * Starts the REST API of schemas with their extensions for a test: on an empty database in memory, with development tokens, without a listener.
 * Rejects as a gateway would at its start: SCHEMA_INVALID, EXTENSION_COMPILE, EXTENSION_LOAD, CONFIG_INVALID.
 */
export async function startModels(options: StartModelsOptions): Promise<ModelsUnderTest> {
  const folder = resolve(options.folder ?? process.cwd());
  const configFile = options.configFile === undefined ? undefined : resolve(folder, options.configFile);
  const settings = readTestSettings(configFile, folder, process.env);
  const files = options.schemas === undefined ? settings.schemas : [options.schemas].flat();
  const cwd = options.schemas === undefined && configFile !== undefined ? dirname(configFile) : folder;
  const schemas = loadSchemas(files, { cwd, legacyTableNames: settings.database?.legacy ?? true });
  const book = createFetchBook();
  const overrides = new Map<string, unknown>();
  const answer = (name: string, args: readonly unknown[]): Promise<unknown> | undefined => {
    if (name === 'http.request') return book.answer(args[0] as HttpCall);
    if (name !== 'config.get') return undefined;
    const path = String(args[0]);
    const value = overrides.get(path) ?? readConfigPath(options.config, path);
    return value === undefined ? undefined : Promise.resolve(value);
  };
  const environments = toEnvironments(schemas, toEnvironmentsOptions(settings));
  const models = await openTestModels({ schemas, settings, environments, folder, answer });
  const identifier = createIdentifier(createProviders({ isFake: true, isLoopback: true }).providers);
  const { database, policies, extensions, hostCall } = models;
  const api = createResourceApi({
    schemas,
    policies,
    database,
    identifier,
    extensions,
    hostCall,
    ...toResourceApiOptions(settings),
    hasFakeLogin: false,
  });
  const log: string[] = [];
  const unsubscribe = followLog(log);

  const verify = (): void => {
    const problems = book.takeProblems();
    if (problems.length > 0) assert.fail(problems.join('\n'));
  };
  const close = async (): Promise<void> => {
    unsubscribe();
    await api.close();
    identifier.close();
    await models.close();
    verify();
  };
  return {
    request: (method, path, { body, token = 'admin_token', headers = {} } = {}) =>
      askForTest(api, { method, path, body, token, headers }, randomUUID()),
    async trigger(environment, event, fields = {}) {
      if (!schemas.resources.has(environment) && !environments.some(({ name }) => name === environment))
        throw new Error(`there is no schema ${environment}; there are ${[...schemas.resources.keys()].join(', ')}`);
      if (!event.endsWith('_in_transaction')) return await api.runEvent(environment, event, fields);
      return await database.transaction((session) => api.runEvent(environment, event, fields, { session }), {
        isolation: 'SERIALIZABLE',
        isAlone: true,
      });
    },
    tx: createTestRows(models, schemas),
    fetch: book.mock,
    config: { set: (path, value) => void overrides.set(path, value) },
    clock: clockOf(models),
    log,
    verify,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function clockOf({ clock }: TestModels): ModelsUnderTest['clock'] {
  return {
    set(time) {
      const ms = new Date(time).getTime();
      assert.ok(!Number.isNaN(ms), `${JSON.stringify(time)} is no time`);
      clock[0] = ms;
    },
    advance(milliseconds) {
      const [ms = Number.NaN] = clock;
      clock[0] = (Number.isNaN(ms) ? Date.now() : ms) + milliseconds;
    },
    go() {
      clock[0] = Number.NaN;
    },
  };
}

const MAX_LINES = 10_000;

/** Notes what extensions write into the log, and their defects with the stack. */
function followLog(log: string[]): () => void {
  return subscribe((event) => {
    if (log.length >= MAX_LINES) return;
    if (event.type === 'extension.console') log.push(`${event.level.toUpperCase()} ${event.module}: ${event.text}`);
    if (event.type === 'extension.failed') log.push(`ERROR ${event.environment} ${event.event}: ${event.text}`);
  });
}
