import { requestFields } from './event-fields.ts';
import type { Gate } from './gate.ts';
import type { HostCall } from './host-call.ts';
import { answerHostCall } from './host-calls.ts';
import { openLife } from './life.ts';
import type { Call, Work } from './types.ts';

/** What the events of a request need beside the request. */
export interface Told {
  readonly requestId: string;
  readonly hostCall: HostCall;
  readonly gate: Gate;
}

/** Runs an operation with the events of its parts (operations, own actions), when one of them has a handler; without any it costs one look into a set. */
export async function withEvents<Asked extends Work & Pick<Call, 'exchange'>, T>(
  call: Asked,
  parts: readonly string[],
  { requestId, hostCall, gate }: Told,
  run: (call: Asked) => Promise<T>,
): Promise<T> {
  const { models, type, database, identity, exchange } = call;
  const { extensions } = models;
  const { handled } = models.planOf(type);
  if (extensions === undefined || !parts.some((part) => handled.has(part))) return await run(call);
  const leave = new AbortController();
  exchange.onAbort(() => leave.abort());
  if (exchange.aborted) leave.abort();
  const life = openLife({
    models,
    database,
    identity,
    extensions,
    environment: type.id,
    requestId,
    signal: leave.signal,
    gate,
    call: (own, name, args, caller) => answerHostCall(own, hostCall, name, args, caller),
  });
  try {
    return await run({ ...call, events: life.eventsOf(type.id, 0, requestFields(call)) });
  } finally {
    await life.end();
  }
}
