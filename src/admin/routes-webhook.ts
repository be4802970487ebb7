import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import { bodyField } from './namespace-choice.ts';
import type { AdminRequest, AdminRoute, BodyRule } from './route.ts';
import { INTEGER, listOf, oneOf } from './schemas.ts';
import type { AdminOptions, WebhookControl } from './types.ts';

const OBJECT = { type: 'object' } as const;
const MAX_IDS = 500;

/** Which dead letters are meant. */
const CHOICE: BodyRule = {
  doc: '`ids` of dead letters; without them all of the receiver.',
  schema: {
    type: 'object',
    properties: { ids: { type: 'array', items: INTEGER, minItems: 1, maxItems: MAX_IDS } },
    additionalProperties: false,
  },
  required: false,
};

/** The routes of the receivers of webhooks and of what they did not take. */
export const WEBHOOK_ROUTES: readonly AdminRoute[] = [
  {
    id: 'webhooks_list',
    method: 'GET',
    path: '/api/v1/sync/webhooks',
    group: 'sync',
    summary: 'Lists the receivers of webhooks: changes that wait for each, and dead letters',
    query: [],
    responses: { 200: { doc: 'One entry per receiver, and per queue that is left of a former one.', schema: listOf(OBJECT) } },
    handle: async (_request, { sync }) => listAnswer((await sync?.webhooks?.status()) ?? [], undefined),
  },
  {
    id: 'webhooks_dead_letters',
    method: 'GET',
    path: '/api/v1/sync/webhooks/{receiver}/dead-letters',
    group: 'sync',
    summary: 'Lists changes that a receiver did not take, and why',
    query: [
      { name: 'limit', type: 'integer', doc: 'At most so many.', minimum: 1, maximum: 1000, default: 100 },
      { name: 'after', type: 'integer', doc: 'Only those with a greater id: the last one of the page before.', default: 0 },
    ],
    responses: { 200: { doc: 'Dead letters in the order of their ids, without bodies.', schema: listOf(OBJECT) } },
    handle: async (request, options) => {
      const { limit, after } = request.query;
      return listAnswer(await control(options).deadLetters(receiverOf(request), Number(limit), Number(after)), undefined);
    },
  },
  {
    id: 'webhooks_dead_letter',
    method: 'GET',
    path: '/api/v1/sync/webhooks/{receiver}/dead-letters/{id}',
    group: 'sync',
    summary: 'Shows a change that a receiver did not take, with its resource',
    query: [],
    responses: { 200: { doc: 'As in the list, with `resource`.', schema: oneOf(OBJECT) } },
    handle: async (request, options) => {
      const { body, ...letter } = await control(options).deadLetter(receiverOf(request), idOf(request));
      return oneAnswer({ ...letter, resource: JSON.parse(body) as unknown });
    },
  },
  {
    id: 'webhooks_retry',
    method: 'POST',
    path: '/api/v1/sync/webhooks/{receiver}/dead-letters/retry',
    group: 'sync',
    summary: 'Sends dead letters again, before later changes of their resources that still wait',
    query: [],
    body: CHOICE,
    responses: { 200: { doc: '`count`: how many wait again.', schema: oneOf(OBJECT) } },
    handle: async (request, options) => oneAnswer({ count: await control(options).retry(receiverOf(request), idsOf(request)) }),
  },
  {
    id: 'webhooks_forget',
    method: 'DELETE',
    path: '/api/v1/sync/webhooks/{receiver}/dead-letters',
    group: 'sync',
    summary: 'Deletes dead letters',
    query: [],
    body: CHOICE,
    responses: { 200: { doc: '`count`: how many were deleted.', schema: oneOf(OBJECT) } },
    handle: async (request, options) => oneAnswer({ count: await control(options).forget(receiverOf(request), idsOf(request)) }),
  },
];

function receiverOf({ params }: AdminRequest): string {
  return params['receiver'] ?? '';
}

function idOf({ params }: AdminRequest): number {
  const text = params['id'] ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SekishoError('QUERY_INVALID', `the id of a dead letter is a number, as in its list; found ${JSON.stringify(text)}`);
}

function idsOf({ body }: AdminRequest): readonly number[] | undefined {
  return bodyField(body, 'ids') as readonly number[] | undefined;
}

function control({ sync }: AdminOptions): WebhookControl {
  if (sync?.webhooks === undefined)
    throw new SekishoError('WEBHOOK_UNKNOWN', 'this node has no webhooks: its configuration names no `schemas`');
  return sync.webhooks;
}
