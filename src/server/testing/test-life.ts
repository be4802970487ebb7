import type { Extensions } from '../../extension/types.ts';
import { ANONYMOUS } from '../../identity/identify.ts';
import { SekishoError } from '../../lib/errors.ts';
import { createGate } from '../../resource/gate.ts';
import { answerHostCall } from '../../resource/host-calls.ts';
import { openLife } from '../../resource/life.ts';
import { compileModels } from '../../resource/models.ts';
import type { IsolationLevel, SchemaSet } from '../../schema/types.ts';
import type { TestModels } from './test-models.ts';

/** The life of one test of a script: its events, in which `MockTransaction` is the transaction of the request. */
export interface TestLife {
  /** Runs the handlers of an event; gives what they left as the response. */
  run(event: string, fields: Readonly<Record<string, unknown>>): Promise<unknown>;
  end(): Promise<void>;
}

const MAX_TRANSACTIONS = 100;
const ADMIN = { ...ANONYMOUS, roles: ['admin'], scope: 'admin', principal: 'test' } as const;

/** All schemas have the one environment of the test, as in Gohan: what a handler does with another resource runs the handlers of the same extensions. */
export function openTestLife(
  models: TestModels & { readonly extensions: Extensions },
  schemas: SchemaSet,
  environment: string,
  requestId: string,
): TestLife {
  const extensions = inOneEnvironment(models.extensions, environment);
  let transaction: OpenTransaction | undefined;
  const begin = async (isolation: IsolationLevel): Promise<void> => {
    transaction = await openTransaction((work) =>
      models.database.transaction((session) => events.within(session, false, work), { isolation }),
    );
  };
  const end = async (isCommit: boolean): Promise<void> => {
    const open = transaction;
    transaction = undefined;
    await open?.end(isCommit);
  };
  const life = openLife({
    models: compileModels(schemas, models.policies, extensions),
    database: models.database,
    identity: ADMIN,
    extensions,
    environment,
    requestId,
    signal: undefined,
    gate: createGate(MAX_TRANSACTIONS),
    async call(own, name, args, caller) {
      if (name === 'test.begin') return await begin(args[0] as IsolationLevel);
      if (name === 'test.end') return await end(args[0] === true);
      return await answerHostCall(own, models.hostCall, name, args, caller);
    },
  });
  const events = life.eventsOf(environment, 0, {});
  return {
    run: async (event, fields) => (await events.run(event, { ...fields, response: undefined })).response,
    async end() {
      await end(false);
      await life.end();
    },
  };
}

interface OpenTransaction {
  end(isCommit: boolean): Promise<void>;
}

class Undone extends Error {}

/** Opens a transaction whose end is told later. `within` runs its work with the transaction as that of the request. */
async function openTransaction(within: (work: () => Promise<void>) => Promise<void>): Promise<OpenTransaction> {
  const begun = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<boolean>();
  const over = within(async () => {
    begun.resolve();
    if (!(await ending.promise)) throw new Undone();
  }).catch((error: unknown) => {
    begun.reject(error);
    if (!(error instanceof Undone)) throw error;
  });
  over.catch(() => {});
  await begun.promise;
  return {
    end(isCommit) {
      ending.resolve(isCommit);
      return over;
    },
  };
}

function inOneEnvironment(extensions: Extensions, name: string): Extensions {
  return {
    handles: (_environment, event) => extensions.handles(name, event),
    events: () => extensions.events(name),
    begin(request) {
      const call = extensions.begin({ ...request, environment: name });
      return {
        get isHolding() {
          return call.isHolding;
        },
        reserve: () => call.reserve(),
        run: (_environment, event, fields) => call.run(name, event, fields),
        mark: () => call.mark(),
        restore: () => call.restore(),
        end: () => call.end(),
      };
    },
    status: () => extensions.status(),
    release: (environment) => extensions.release(environment),
    close: () => extensions.close(),
  };
}

/** Narrows: the environment of a test has code. */
export function withExtensions(models: TestModels): TestModels & { readonly extensions: Extensions } {
  const { extensions } = models;
  if (extensions === undefined) throw new SekishoError('INTERNAL', 'a test has no environment');
  return { ...models, extensions };
}
