import type { Exchange } from '../http/exchange.ts';
import type { ResourceApiOptions } from './api.ts';
import { authenticate } from './authenticate.ts';
import type { Cors } from './cors.ts';
import type { Gate } from './gate.ts';
import type { HostCall } from './host-call.ts';
import { META_OPERATIONS } from './meta.ts';
import type { Models } from './models.ts';
import { act } from './operation-action.ts';
import { allowOf, isMetaMethod, operationOf, wrongMethod } from './operations.ts';
import type { Target } from './router.ts';
import type { Answer, Call, RequestNote, Secrets } from './types.ts';
import { withEvents } from './with-events.ts';

interface AnswererOptions extends Pick<ResourceApiOptions, 'identifier' | 'database' | 'limits' | 'about'> {
  readonly cors: Cors;
  readonly secrets: Secrets;
  readonly hostCall: HostCall;
  readonly gate: Gate;
}

/** Answers requests whose path was matched: identify → operation, with its events. Rejects with what is to be told instead. */
export type Answerer = (target: Target, exchange: Exchange, models: Models, note: RequestNote) => Promise<Answer>;

export function createAnswerer({ identifier, database, limits, about, cors, secrets, hostCall, gate }: AnswererOptions): Answerer {
  return async (target, exchange, models, note) => {
    const { method } = exchange;
    if (method === 'OPTIONS') return { status: 200, headers: ['Allow', allowOf(target), ...cors.preflightFields(exchange.headers)] };
    const identity = await authenticate(exchange, identifier, models.policies);
    const asked = { exchange, models, database, identity };
    const told = { requestId: note.id, hostCall, gate };
    const refuse = () => wrongMethod(exchange.path, method, target);
    if (target.kind === 'meta') {
      const operation = isMetaMethod(method) ? META_OPERATIONS[target.name] : undefined;
      if (operation === undefined) throw refuse();
      return await operation({ ...asked, ...told, id: target.id, ...about });
    }
    const { type, id, ancestorIds } = target;
    const call: Call = { ...asked, type, id, ancestorIds, secrets, limits, events: undefined };
    if (target.kind === 'action') {
      const { action, params } = target;
      if (action === undefined) throw refuse();
      return await withEvents(call, [action.id], told, (own) => act(own, action, params));
    }
    const operation = operationOf(target, method);
    if (operation === undefined) throw refuse();
    return await withEvents(call, operation.parts, told, operation.run);
  };
}
