import { type AskGateway, createModuleTransaction } from '../../extension/thread/module-transaction.ts';
import type { EventCaller } from '../../extension/types.ts';
import { ANONYMOUS } from '../../identity/identify.ts';
import { createGate } from '../../resource/gate.ts';
import { refuseHostCall } from '../../resource/host-call.ts';
import { answerHostCall } from '../../resource/host-calls.ts';
import { openLife } from '../../resource/life.ts';
import { compileModels } from '../../resource/models.ts';
import type { SchemaSet } from '../../schema/types.ts';
import type { TestModels } from './test-models.ts';

const CALLER: EventCaller = { environment: '', event: 'test', depth: 0, signal: new AbortController().signal };
const MAX_TRANSACTIONS = 100;

/** What `context.tx` is to a handler, for the test itself: each call is a transaction of its own, and no handler runs. */
export function createTestRows({ database, policies }: TestModels, schemas: SchemaSet): object {
  const life = openLife({
    models: compileModels(schemas, policies, undefined),
    database,
    identity: ANONYMOUS,
    extensions: NONE,
    environment: '',
    requestId: 'test',
    signal: undefined,
    gate: createGate(MAX_TRANSACTIONS),
    call: () => Promise.resolve(),
  });
  const ask: AskGateway = async (name, ...args) => (await answerHostCall(life, refuseHostCall, name, args, CALLER)) as never;
  return createModuleTransaction(ask, () => null);
}

const NONE = {
  handles: () => false,
  events: () => [],
  begin() {
    throw new Error('rows have no events');
  },
  status: () => ({ environments: [], threads: [], waiting: 0 }),
  release: () => false,
  close: () => Promise.resolve(),
};
