import { SekishoError } from '../lib/errors.ts';
import { evaluateFilter } from '../policy/evaluate.ts';
import type { Permit } from '../policy/types.ts';
import { allOf, TRUE } from '../schema/filter.ts';
import { WRITE_PARAMETERS } from '../schema/query-parameters.ts';
import { syncKeyProperties } from '../schema/sync-key.ts';
import type { LockPolicy, ResourceType } from '../schema/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import { type Change, toResponse } from './change.ts';
import { entityTag } from './etag.ts';
import { permitFields } from './event-fields.ts';
import { takeResponse } from './events.ts';
import { fieldValue } from './fields.ts';
import { idText } from './id-text.ts';
import { type IdempotencyKey, idempotencyKey, recall, remember } from './idempotency.ts';
import { tagOf, withoutEmbeds } from './operation-show.ts';
import { first, type Parameters, parseBool, parseParameters, refuseUnknown } from './parameters.ts';
import { parentFilter } from './parent.ts';
import { policyPath } from './path-shape.ts';
import { type Preferences, parsePreferences, preferenceApplied } from './prefer.ts';
import { toVisible, withoutHidden } from './show-filter.ts';
import { inOwnTransaction } from './transaction.ts';
import type { Answer, Call, Work } from './types.ts';

export type WriteAction = 'create' | 'update' | 'delete';

/** What the head of a write asks for beside its body. */
export interface WriteWishes {
  readonly parameters: Parameters;
  /** Do everything, then take it back. */
  readonly validateOnly: boolean;
  readonly preferences: Preferences;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly key: IdempotencyKey | undefined;
}

/** Reads query and header of a write. Throws QUERY_INVALID for parameters that mean nothing to it. */
export function parseWishes(call: Call, bodyText: string): WriteWishes {
  const { exchange, type } = call;
  const parameters = parseParameters(exchange.query);
  const known = [...Object.keys(WRITE_PARAMETERS), ...(type.parentProperty === undefined ? [] : [type.parentProperty])];
  refuseUnknown(parameters, (name) => known.includes(name), known);
  const { headers } = exchange;
  return {
    parameters,
    validateOnly: parameters.has('validate_only') && parseBool(first(parameters, 'validate_only')) !== false,
    preferences: parsePreferences(headers),
    ifMatch: fieldValue(headers, 'if-match'),
    ifNoneMatch: fieldValue(headers, 'if-none-match'),
    key: idempotencyKey(call, bodyText),
  };
}

/** Carries the answer of a write that must not be kept out of its transaction. */
class TakenBack extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super('validate_only');
    this.answer = answer;
  }
}

/**
 * The lock of the row that a write begins with: at least on the row itself, so that of two writers the second waits instead of being taken back.
 * (Gohan locks only what `locking_policy` names.)
 */
export function lockOf({ lockingPolicy }: ResourceType, action: 'update' | 'delete'): LockPolicy {
  return lockingPolicy[action] === 'none' ? 'skip_related' : lockingPolicy[action];
}

/** What is particular to a write: it is prepared outside of the transaction, and stored inside. */
export interface WriteSteps<Prepared> {
  readonly operation: 'create' | 'update';
  readonly status: 200 | 201;
  /** The body, unwrapped: `context.request_data`. */
  readonly given: unknown;
  prepare(): Promise<Prepared>;
  store(session: Session, prepared: Prepared): Promise<Change>;
}

/** Runs a create or an update, and shows what came of it: prepare → BEGIN → store → COMMIT → `post_create`, `post_update`. */
export async function answerWrite<Prepared>(call: Call, permit: Permit, wishes: WriteWishes, steps: WriteSteps<Prepared>): Promise<Answer> {
  const { events } = call;
  const { operation, status } = steps;
  const known = await beforeEvents(call, permit, wishes, steps.given);
  if (known !== undefined) return known;
  const prepared = await steps.prepare();
  let made: { readonly change: Change; readonly answer: Answer } | undefined;
  const answer = await transact(call, operation, wishes, async (session) => {
    const change = await steps.store(session, prepared);
    made = { change, answer: writeAnswer(call, permit, change, wishes, status) };
    return made.answer;
  });
  const event = `post_${operation}`;
  // Neither for what was taken back nor for what is told a second time.
  if (made === undefined || answer !== made.answer || events?.handles(event) !== true) return answer;
  const { stored, response = toResponse(call, stored) } = made.change;
  const outcome = await events.run(event, { id: stored['id'], resource: stored, response });
  return writeAnswer(call, permit, { stored, response: takeResponse(event, outcome) }, wishes, status);
}

/** Tells the context about the request. A repeated request is answered before any handler runs again: gives that answer. */
export async function beforeEvents(call: Call, permit: Permit, { key }: WriteWishes, data: unknown): Promise<Answer | undefined> {
  const { events, models, identity, database } = call;
  if (events === undefined) return undefined;
  events.tell({ ...permitFields(models, identity, permit), request_data: data });
  return key && (await recall(database.reader, key));
}

/** Runs a write in one transaction, with its idempotency key. A repeated request gets the first one's answer. */
export async function transact(
  call: Call,
  action: WriteAction,
  { key, validateOnly }: WriteWishes,
  work: (session: Session) => Promise<Answer>,
): Promise<Answer> {
  const { database } = call;
  try {
    return await inOwnTransaction(call, action, async (session) => {
      const known = key && (await recall(session, key));
      if (known !== undefined) return known;
      const answer = await work(session);
      if (validateOnly) throw new TakenBack(answer);
      if (key !== undefined) await remember(session, key, answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof TakenBack) return notMade(error.answer);
    if (key === undefined || !(error instanceof SekishoError) || error.code !== 'RESOURCE_CONFLICT') throw error;
    // The same request may have run meanwhile.
    const known = await recall(database.reader, key);
    if (known === undefined) throw error;
    return known;
  }
}

/** The answer to a creation that was taken back: there is nothing at its location. */
function notMade(answer: Answer): Answer {
  if (answer.status !== 201) return answer;
  const at = answer.headers.indexOf('Location');
  return { ...answer, status: 200, headers: at < 0 ? answer.headers : answer.headers.toSpliced(at, 2) };
}

/** The row as the database has it now: read back where it may differ from what was written, or shows related resources. */
export async function readBack(work: Work, session: Session, id: unknown, row: Resource): Promise<Resource> {
  const { type } = work;
  if (needsReadBack(work, row)) {
    const found = await session.fetch(type, id, { filter: TRUE, embed: true });
    if (found !== undefined) return found;
  }
  return asStored(type, row);
}

/** A row with all properties of its type, in their order. */
export function asStored(type: ResourceType, row: Resource): Resource {
  const stored: Record<string, unknown> = {};
  for (const { name } of type.properties) stored[name] = row[name] ?? null;
  return stored;
}

const normalized = new WeakMap<ResourceType, boolean>();

/** Databases round numbers and order the keys of objects; literal column types do what they like. */
export function needsReadBack({ models, type }: Work, row: Resource): boolean {
  let isNormalized = normalized.get(type);
  if (isNormalized === undefined) {
    isNormalized = type.properties.some(
      ({ type: kind, sql }) => sql !== undefined || kind === 'number' || kind === 'object' || kind === 'array',
    );
    normalized.set(type, isNormalized);
  }
  return isNormalized || models.planOf(type).embeds.length > 0 || row['id'] === undefined;
}

/** Writes the event row of a change, unless the schema is not synchronised. `resource` may have embedded resources, which stay out. */
export async function logEvent(
  { models }: Pick<Work, 'models'>,
  session: Session,
  event: { readonly kind: WriteAction; readonly type: ResourceType; readonly resource: Resource; readonly version: number },
): Promise<void> {
  const { kind, type, resource, version } = event;
  if (type.noSync) return;
  await session.logEvent({
    type: kind,
    path: policyPath(type, idText(resource['id'])),
    version,
    body: JSON.stringify(withoutEmbeds(resource, models.planOf(type).embeds)),
    syncPlain: type.metadata['sync_plain'] === true,
    syncProperty: typeof type.metadata['sync_property'] === 'string' ? type.metadata['sync_property'] : '',
  });
}

/**
 * Writes the event row of an update of `before`, which was read under its lock. When the update changes what the key in etcd is made of, the former key
 * has its deletion first.
 */
export async function logUpdate(
  work: Pick<Work, 'models'>,
  session: Session,
  event: { readonly type: ResourceType; readonly before: Resource; readonly resource: Resource; readonly version: number },
): Promise<void> {
  const { type, before, resource, version } = event;
  const isMoved = syncKeyProperties(type).some((name) => (before[name] ?? null) !== (resource[name] ?? null));
  if (isMoved) await logEvent(work, session, { kind: 'delete', type, resource: before, version });
  await logEvent(work, session, { kind: 'update', type, resource, version });
}

/** The version that a row has; 0 for types that do not count them. It can change until the end of the transaction unless the row is locked. */
export async function storedVersion(session: Session, type: ResourceType, id: unknown): Promise<number> {
  if (!type.stateVersioning) return 0;
  const row = await session.fetch(type, id, { filter: TRUE, embed: false, fields: ['config_version'] });
  return Number(row?.['config_version'] ?? 0);
}

/**
 * The answer that shows a written resource as far as the permit of the write shows it, with the tag that a show would give. One that the caller's policy of
 * reading leaves out, or leaves out from now on, is not shown: the change stays, and the answer has no body.
 */
export function writeAnswer(call: Call, permit: Permit, change: Change, wishes: WriteWishes, status: 200 | 201): Answer {
  const { models, identity, type } = call;
  const { stored, response } = change;
  const visible = toVisible(models, identity, permit, type, stored);
  const text = JSON.stringify(visible);
  const body =
    response === undefined ? `{${JSON.stringify(type.singular)}:${text}}` : JSON.stringify(withoutHidden(call, permit, response));
  const headers: string[] = [];
  const read = models.access.decide(identity, 'read', type, idText(stored['id']));
  const isWithheld = read.allowed && !evaluateFilter(models.access.reach(read.permit, type), stored);
  if (read.allowed && !isWithheld) {
    const shown = read.permit.seesAll && permit.seesAll ? visible : toVisible(models, identity, read.permit, type, stored);
    headers.push('ETag', tagOf(call, shown, shown === visible ? text : JSON.stringify(shown), true));
  }
  if (status === 201) headers.push('Location', `${type.url}/${encodeURIComponent(idText(stored['id']))}`);
  headers.push(...preferenceApplied(wishes.preferences));
  if (isWithheld || wishes.preferences.return === 'minimal') return { status: status === 201 ? 201 : 204, headers };
  return { status, headers, body };
}

/** The tag that the caller knows a stored row by; undefined when it may not read it. */
export function storedTag({ models, identity, type, secrets }: Call, stored: Resource): string | undefined {
  const read = models.access.decide(identity, 'read', type, idText(stored['id']));
  if (!read.allowed) return undefined;
  const visible = toVisible(models, identity, read.permit, type, stored);
  return entityTag(secrets.tagKey, JSON.stringify(visible));
}

/** The refusal of a write whose row is not in reach of its permit: 403 when the caller may at least see it, else 404. */
export async function outOfReach(work: Work, session: Session, action: WriteAction): Promise<SekishoError> {
  const { models, identity, type, id } = work;
  const read = models.access.decide(identity, 'read', type, id);
  const isVisible =
    read.allowed &&
    (await session.fetch(type, id, {
      filter: allOf([models.access.reach(read.permit, type), parentFilter(work)]),
      embed: false,
      fields: ['id'],
    })) !== undefined;
  return isVisible
    ? new SekishoError('POLICY_DENIED', `The ${type.singular} may be read, but not be ${action}d.`)
    : new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found');
}

export function denied(reason: string): SekishoError {
  return new SekishoError('POLICY_DENIED', reason);
}
