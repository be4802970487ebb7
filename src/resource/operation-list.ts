import type { Permit } from '../policy/types.ts';
import type { Resource, Selection, Session } from '../sql/types.ts';
import { permitFields } from './event-fields.ts';
import type { Events } from './events.ts';
import { listWithEvents } from './list-events.ts';
import { fromPageToken, toPageToken } from './page-token.ts';
import { parseParameters } from './parameters.ts';
import { limitToParent } from './parent.ts';
import { parsePreferences, preferenceApplied } from './prefer.ts';
import { type ListQuery, parseListQuery } from './query.ts';
import { countRows, type RowCount } from './row-count.ts';
import { toFields, toVisible } from './show-filter.ts';
import type { Answer, Call } from './types.ts';

/** A list as it is asked of the database; kept per permit and query, so that the same request is planned once. */
interface ListPlan {
  readonly query: ListQuery;
  readonly selection: Selection;
  /** The database's JSON can be answered as it is. */
  readonly isDirect: boolean;
}

/** Plans per permit. What clients can make remember is bounded: per permit, and of all, which are then forgotten at once. */
let plans = new WeakMap<Permit, Map<string, ListPlan>>();
let planCount = 0;
const MAX_PLANS_OF_PERMIT = 256;
const MAX_PLANS = 20_000;
const MAX_QUERY_LENGTH = 1024;

/** `GET` of a collection: the rows that the caller may see, and how many there are. */
export async function list(call: Call): Promise<Answer> {
  const { type, models, identity, exchange, database } = call;
  const permit = models.access.permit(identity, 'read', type);
  const plan = await limitToParent(call, planList(call, permit));
  const { query, selection } = plan;
  if (call.events !== undefined) return await listHandled({ ...call, events: call.events }, permit, plan);
  if (query.pageSize !== undefined) return await page(call, permit, plan, query.pageSize);
  const preferences = parsePreferences(exchange.headers);
  const { reader } = database;
  const isCounted = preferences.count !== 'none';
  let text: string;
  let total: number | undefined;
  let isEstimate = false;
  if (plan.isDirect && isCounted && preferences.count !== 'estimated') {
    ({ text, total } = await reader.listJsonCounted(type, selection));
  } else {
    const read = plan.isDirect
      ? reader.listJson(type, selection)
      : reader.list(type, selection).then((rows) => JSON.stringify(rows.map((row) => shown(call, permit, query, row))));
    const [rows, counted] = await Promise.all([read, isCounted ? countRows(call, reader, query.filter, preferences) : undefined]);
    text = rows;
    total = counted?.total;
    isEstimate = counted?.isEstimate === true;
  }
  return {
    status: 200,
    headers: [...(total === undefined ? [] : ['X-Total-Count', String(total)]), ...preferenceApplied(preferences, isEstimate)],
    body: `{${JSON.stringify(type.plural)}:${text}}`,
  };
}

function planList({ type, models, identity, exchange, limits }: Call, permit: Permit): ListPlan {
  const key = `${type.id}?${exchange.query}`;
  let known = plans.get(permit);
  if (known === undefined) plans.set(permit, (known = new Map()));
  const found = known.get(key);
  if (found !== undefined) return found;
  const query = parseListQuery(models, type, permit, parseParameters(exchange.query), limits.maxPageSize);
  const seesRelated = !query.embed || models.access.seesRelated(identity, type);
  // With fields of hidden things the whole row is needed to judge what may be shown.
  const picksInSql = query.fields !== undefined && seesRelated && (permit.seesAll || !query.embed);
  const plan: ListPlan = {
    query,
    isDirect: query.fields === undefined && seesRelated && permit.seesAll,
    selection: {
      filter: query.filter,
      embed: query.embed,
      sort: query.sort,
      ...(query.limit !== undefined && { limit: query.limit }),
      ...(query.offset !== undefined && { offset: query.offset }),
      ...(picksInSql && { fields: query.fields }),
    },
  };
  if (known.size < MAX_PLANS_OF_PERMIT && key.length < MAX_QUERY_LENGTH) {
    known.set(key, plan);
    planCount += 1;
    if (planCount > MAX_PLANS) {
      plans = new WeakMap();
      planCount = 0;
    }
  }
  return plan;
}

function shown({ models, identity, type }: Call, permit: Permit, query: ListQuery, row: Resource): Resource {
  const visible = toVisible(models, identity, permit, type, row);
  return query.fields === undefined ? visible : toFields(models, type, visible, query.fields);
}

/** A list with handlers. `_fields` picks before they run. */
async function listHandled(call: Call & { readonly events: Events }, permit: Permit, plan: ListPlan): Promise<Answer> {
  const { type, models, identity, exchange } = call;
  const { query, selection } = plan;
  call.events.tell(permitFields(models, identity, permit));
  const preferences = parsePreferences(exchange.headers);
  const pick = (row: Resource): Resource => (query.fields === undefined ? row : shown(call, permit, query, row));
  let isEstimate = false;
  const { read, response } = await listWithEvents(call, permit, async (session) => {
    if (query.pageSize !== undefined) {
      const { rows, counted, next } = await readPage(call, plan, session, query.pageSize);
      isEstimate = counted?.isEstimate === true;
      return { rows: rows.map(pick), total: counted?.total, ...(next !== undefined && { more: { next_page_token: next } }) };
    }
    const rows = await session.list(type, selection);
    const counted = preferences.count === 'none' ? undefined : await countRows(call, session, query.filter, preferences);
    isEstimate = counted?.isEstimate === true;
    return { rows: rows.map(pick), total: counted?.total };
  });
  const next = read?.more?.['next_page_token'];
  return {
    status: 200,
    headers: [
      ...(read?.total === undefined ? [] : ['X-Total-Count', String(read.total)]),
      ...(typeof next === 'string' ? ['Link', `<${nextTarget(call, next)}>; rel="next"`] : []),
      ...preferenceApplied(preferences, isEstimate),
    ],
    body: JSON.stringify(response),
  };
}

/** Keyset paging: one row more than asked tells whether there is a next page, which begins behind the last row of this one. */
async function page(call: Call, permit: Permit, plan: ListPlan, size: number): Promise<Answer> {
  const { type, database, exchange } = call;
  const { rows, counted, next } = await readPage(call, plan, database.reader, size);
  return {
    status: 200,
    headers: [
      ...(counted === undefined ? [] : ['X-Total-Count', String(counted.total)]),
      ...(next === undefined ? [] : ['Link', `<${nextTarget(call, next)}>; rel="next"`]),
      ...preferenceApplied(parsePreferences(exchange.headers), counted?.isEstimate),
    ],
    body: JSON.stringify({
      [type.plural]: rows.map((row) => shown(call, permit, plan.query, row)),
      ...(next !== undefined && { next_page_token: next }),
    }),
  };
}

interface Page {
  readonly rows: readonly Resource[];
  readonly counted: RowCount | undefined;
  /** Token of the next one. */
  readonly next: string | undefined;
}

async function readPage(call: Call, { query, selection }: ListPlan, session: Session, size: number): Promise<Page> {
  const { type, exchange, secrets } = call;
  const { fields: _, ...whole } = selection;
  const after = query.pageToken === undefined ? undefined : fromPageToken(secrets.pageKey, query.fingerprint, query.pageToken);
  const preferences = parsePreferences(exchange.headers);
  // Counting a large table costs more than the page: here only on request.
  const isCounted = preferences.count === 'exact' || preferences.count === 'estimated';
  const [found, counted] = await Promise.all([
    session.list(type, { ...whole, limit: size + 1, ...(after !== undefined && { after }) }),
    isCounted ? countRows(call, session, query.filter, preferences) : undefined,
  ]);
  const rows = found.slice(0, size);
  const last = found.length > size ? rows.at(-1) : undefined;
  return { rows, counted, next: last && toPageToken(secrets.pageKey, query.fingerprint, placeOf(query, last)) };
}

function placeOf(query: ListQuery, row: Resource): readonly unknown[] {
  return [...query.sort.map(({ property }) => row[property] ?? null), row['id'] ?? null];
}

function nextTarget({ exchange }: Call, token: string): string {
  const parameters = new URLSearchParams(exchange.query);
  parameters.set('page_token', token);
  return `${exchange.path}?${parameters.toString()}`;
}
