import type { HostCallName, HostCallTable } from '../extension/host-calls.ts';
import type { EventCaller } from '../extension/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { HostCall } from './host-call.ts';
import { DATABASE_CALLS } from './host-calls-database.ts';
import { EVENT_CALLS } from './host-calls-event.ts';
import { MODEL_CALLS } from './host-calls-model.ts';
import { SCHEMA_CALLS } from './host-calls-schema.ts';
import type { Life } from './life.ts';

/** What a host call works with. */
export interface HostContext {
  readonly life: Life;
  readonly caller: EventCaller;
}

/** Implementations of the calls whose name begins with `Prefix`. */
export type HostCalls<Prefix extends string> = {
  readonly [Name in HostCallName & `${Prefix}.${string}`]: (
    context: HostContext,
    ...args: Parameters<HostCallTable[Name]>
  ) => ReturnType<HostCallTable[Name]> | Promise<ReturnType<HostCallTable[Name]>>;
};

type AnyCall = (context: HostContext, ...args: never) => unknown;

const CALLS: ReadonlyMap<string, AnyCall> = new Map<string, AnyCall>(
  Object.entries({ ...DATABASE_CALLS, ...MODEL_CALLS, ...EVENT_CALLS, ...SCHEMA_CALLS }),
);

/** Answers what a handler asks of the resources, the events, the schemas and the policies; passes on everything else. */
export async function answerHostCall(
  life: Life,
  other: HostCall,
  name: string,
  args: readonly unknown[],
  caller: EventCaller,
): Promise<unknown> {
  const call = CALLS.get(name);
  if (call === undefined) return await other(name, args, caller);
  if (caller.signal.aborted) throw new SekishoError('EXTENSION_ABORTED', `${name}: nobody waits for the event any more`);
  return await call({ life, caller }, ...(args as never));
}
