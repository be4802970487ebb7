import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { nearest } from '../lib/nearest.ts';
import { deliveredSchemaProblem } from '../schema/delivered-schemas.ts';
import { toPlainUrl } from '../schema/resource-path.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { LogReceiver } from '../sql/forward-rows.ts';
import type { Database } from '../sql/types.ts';
import { beside } from './beside.ts';
import { createDeadLetters, type DeadLetter, type WholeDeadLetter } from './dead-letters.ts';
import { pause } from './pause.ts';
import { createWebhookQueue, type QueueCount } from './webhook-queue.ts';
import { WebhookReceiver } from './webhook-receiver.ts';
import { createWebhookSender } from './webhook-sender.ts';

/** One entry of `webhooks`. */
export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  /** Ids of schemas; empty for all. */
  readonly schemas: readonly string[];
  readonly timeoutMs: number;
  readonly retries: number;
  readonly backoffMs: number;
  readonly concurrency: number;
}

export interface WebhooksOptions {
  readonly database: Database;
  /** The schemas that are served now. */
  schemas(): SchemaSet;
  readonly webhooks: readonly WebhookOptions[];
  readonly pollMs: number;
  /** Per receiver; 100,000 by default. More of them become dead letters, the oldest first. */
  readonly maxWaiting?: number;
  /** Per receiver; 10,000 by default. The oldest are deleted. */
  readonly maxDead?: number;
}

/** A receiver, or the queue of one that is not in the configuration any more. */
export interface WebhookStatus extends QueueCount {
  readonly isConfigured: boolean;
}

export interface Webhooks {
  /** For the event log, which fills the queues. */
  readonly receivers: readonly LogReceiver[];
  /** Sends until the signal is aborted; never rejects. */
  run(lost: AbortSignal): Promise<void>;
  /** One sentence for each thing that is wrong, as last seen while this node sent. */
  problems(): readonly string[];
  status(): Promise<readonly WebhookStatus[]>;
  /** WEBHOOK_UNKNOWN for a receiver that has no queue and is not configured; so do the next three. */
  deadLetters(receiver: string, limit: number, after: number): Promise<readonly DeadLetter[]>;
  /** WEBHOOK_NO_LETTER when it has none with that id. */
  deadLetter(receiver: string, id: number): Promise<WholeDeadLetter>;
  retry(receiver: string, ids?: readonly number[]): Promise<number>;
  forget(receiver: string, ids?: readonly number[]): Promise<number>;
}

const MAX_WAITING = 100_000;
const MAX_DEAD = 10_000;

/** Sends committed changes to receivers, each from a queue of its own in the database. CONFIG_INVALID when one names a schema that there is not. */
export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { database, webhooks, pollMs, maxWaiting = MAX_WAITING, maxDead = MAX_DEAD } = options;
  const queue = createWebhookQueue(database);
  const letters = createDeadLetters(database);
  const urls = schemaUrls(options.schemas);
  checkSchemas(webhooks, options.schemas());
  const receivers = webhooks.map(
    (webhook) =>
      new WebhookReceiver({ ...webhook, queue, send: createWebhookSender(webhook), pollMs, schemaOf: (path) => urls.schemaOf(path) }),
  );
  let counts: readonly QueueCount[] = [];
  const measure = async (): Promise<void> => {
    for (const { name } of webhooks) {
      const buried = await letters.buryOldest(name, maxWaiting, `more than ${maxWaiting} changes waited`);
      if (buried > 0) observe({ type: 'webhook.overflow', receiver: name, what: 'waiting', count: buried });
      const deleted = await letters.trimDead(name, maxDead);
      if (deleted > 0) observe({ type: 'webhook.overflow', receiver: name, what: 'dead', count: deleted });
    }
    counts = await queue.counts();
    for (const { name } of webhooks) {
      const { waiting, oldest, dead } = countOf(counts, name);
      observe({
        type: 'webhook.waiting',
        receiver: name,
        waiting,
        dead,
        ageMs: waiting === 0 ? 0 : Math.max(0, Date.now() - oldest * 1000),
      });
    }
  };
  const known = async (receiver: string): Promise<string> => {
    const names = new Set([...webhooks.map(({ name }) => name), ...(await queue.counts()).map((one) => one.receiver)]);
    if (names.has(receiver)) return receiver;
    throw new SekishoError('WEBHOOK_UNKNOWN', `there is no webhook ${JSON.stringify(receiver)}${hintOf(receiver, [...names])}`);
  };
  return {
    receivers: webhooks.map(({ name, schemas }, index) => ({
      name,
      accepts: (path) => schemas.length === 0 || schemas.includes(urls.schemaOf(path)),
      onForwarded: () => receivers[index]?.ring(),
    })),
    async run(lost) {
      const measured = beside(
        { wait: (signal) => pause(Math.max(pollMs, 1000), signal), run: measure, what: 'counting changes for webhooks' },
        lost,
      );
      await Promise.all([measured, ...receivers.map((receiver) => receiver.run(lost))]);
      counts = [];
      // What another node counts is told there.
      for (const { name } of webhooks) observe({ type: 'webhook.waiting', receiver: name, waiting: 0, dead: 0, ageMs: 0 });
    },
    problems: () =>
      receivers.flatMap(({ name, failing }) => {
        const { dead, waiting } = countOf(counts, name);
        return [
          ...(dead > 0 ? [`${dead} changes for the webhook ${name} are dead letters; sekisho webhook list ${name} tells which`] : []),
          ...(failing !== undefined && waiting > 0 ? [`changes wait for the webhook ${name}: ${failing}`] : []),
        ];
      }),
    async status() {
      const found = await queue.counts();
      const names = new Set([...webhooks.map(({ name }) => name), ...found.map(({ receiver }) => receiver)]);
      return [...names].map((name) => ({ ...countOf(found, name), isConfigured: webhooks.some((webhook) => webhook.name === name) }));
    },
    deadLetters: async (receiver, limit, after) => await letters.dead(await known(receiver), limit, after),
    async deadLetter(receiver, id) {
      const found = await letters.one(await known(receiver), id);
      if (found !== undefined) return found;
      throw new SekishoError(
        'WEBHOOK_NO_LETTER',
        `the webhook ${receiver} has no dead letter ${id}: it was delivered since, waits again, or was deleted`,
      );
    },
    async retry(receiver, ids) {
      const count = await letters.revive(await known(receiver), ids);
      for (const one of receivers) one.ring();
      return count;
    },
    forget: async (receiver, ids) => await letters.forget(await known(receiver), ids),
  };
}

function checkSchemas(webhooks: readonly WebhookOptions[], set: SchemaSet): void {
  for (const { name, schemas } of webhooks)
    for (const id of schemas) {
      const problem = deliveredSchemaProblem(set, id);
      if (problem !== undefined) throw new SekishoError('CONFIG_INVALID', `webhooks, ${name}, schemas: ${JSON.stringify(id)}: ${problem}`);
    }
}

function hintOf(receiver: string, names: readonly string[]): string {
  if (names.length === 0) return ': the configuration names no `webhooks`';
  const near = nearest(receiver, names);
  return near === undefined ? `; there are ${names.slice(0, 10).join(', ')}` : `; did you mean ${near}?`;
}

function countOf(counts: readonly QueueCount[], name: string): QueueCount {
  return counts.find(({ receiver }) => receiver === name) ?? { receiver: name, waiting: 0, oldest: 0, dead: 0 };
}

/** Which schema a path of the event log belongs to; looked up anew when others are served. */
function schemaUrls(schemas: () => SchemaSet): { schemaOf(path: string): string } {
  let of: SchemaSet | undefined;
  let ids: ReadonlyMap<string, string> = new Map();
  return {
    schemaOf(path) {
      const set = schemas();
      if (set !== of) {
        of = set;
        ids = new Map([...set.resources.values()].map((type) => [toPlainUrl(type), type.id]));
      }
      return ids.get(path.slice(0, path.lastIndexOf('/'))) ?? '';
    },
  };
}
