import { SekishoError } from '../lib/errors.ts';
import type { Filter } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import { findCascade } from './cascade.ts';
import { keyOf, type Parameter } from './column.ts';
import type { LockCompiler } from './compile-lock.ts';
import type { SelectCompiler, SelectPlan } from './compile-select.ts';
import type { WriteCompiler } from './compile-write.ts';
import type { RowValues } from './decode-row.ts';
import type { Dialect } from './dialect.ts';
import type { Executor } from './executor.ts';
import { explainReference } from './explain-reference.ts';
import { lockingReads } from './locking-reads.ts';
import { RunAgain } from './run-again.ts';
import type { StatementContext } from './sql-error.ts';
import { ANSWERS_TABLE, EVENTS_TABLE, insertInto } from './system-tables.ts';
import type { EventRow, Resource, Selection, Session } from './types.ts';

/** What all sessions of a database share; replaced when other schemas are prepared. */
export interface Compilers {
  readonly dialect: Dialect;
  readonly resources: ReadonlyMap<string, ResourceType>;
  readonly select: SelectCompiler;
  readonly lock: LockCompiler;
  readonly write: WriteCompiler;
  /** Every foreign key cascades (`database.cascade_delete`). */
  readonly cascadeDelete: boolean;
  /** Changes write rows of the event log. */
  readonly hasEventLog: boolean;
}

/** Another transaction stored an answer under the key meanwhile, which the next run finds. */
const ANSWERED = 'A request with the same Idempotency-Key was answered meanwhile; try again.';
const OTHER: StatementContext = { operation: 'other' };

/** The statements of one transaction, or of none, over what runs them. `onLogged` is called for each event row. */
export function createSession(executor: Executor, compilers: Compilers, onLogged: () => void = () => undefined): Session {
  const { dialect, select, write } = compilers;
  const listOnce = async (type: ResourceType, selection: Selection): Promise<readonly Resource[]> => {
    const { plan, parameters } = select.bind(type, selection, 'page');
    const rows = await executor.rows(plan.text, parameters, OTHER);
    return rows.map(plan.decode);
  };
  const fetchOnce = async (type: ResourceType, id: unknown, selection: Selection): Promise<Resource | undefined> => {
    const { plan, parameters } = select.bind(type, { ...selection, filter: withId(type, id, selection.filter) }, 'one');
    const [row] = await executor.rows(plan.text, parameters, OTHER);
    return row === undefined ? undefined : plan.decode(row);
  };
  const change = async (text: string, parameters: readonly Parameter[], context: StatementContext, values: Resource): Promise<number> => {
    try {
      return await executor.change(text, parameters, context);
    } catch (error) {
      throw await explainReference(error, executor, compilers, context, values);
    }
  };
  const session: Session = {
    ...lockingReads({ list: listOnce, fetch: fetchOnce }, executor, compilers),
    async listJson(type, selection) {
      const { plan, parameters } = select.bind(type, selection, 'json');
      return toJsonList(plan, await executor.rows(plan.text, parameters, OTHER));
    },
    async listJsonCounted(type, selection) {
      const { plan, parameters } = select.bind(type, selection, 'json');
      if (!plan.isJson || !dialect.canCountAlong) {
        const [text, total] = await Promise.all([session.listJson(type, selection), session.count(type, selection.filter)]);
        return { text, total };
      }
      // Both number the parameters of the filter alike, from 1.
      const text =
        (plan.counted ??= `SELECT (${plan.text}),(${select.bind(type, { filter: selection.filter, embed: false }, 'count').plan.text})`);
      const [row] = await executor.rows(text, parameters, OTHER);
      return { text: `[${(row?.[0] as string | null) ?? ''}]`, total: Number(row?.[1] ?? 0) };
    },
    async count(type, filter) {
      const { plan, parameters } = select.bind(type, { filter, embed: false }, 'count');
      const [row] = await executor.rows(plan.text, parameters, OTHER);
      return Number(row?.[0] ?? 0);
    },
    async estimate(type, filter, exactUpTo) {
      const { estimate } = dialect;
      if (estimate === undefined) return { total: await session.count(type, filter), isEstimate: false };
      const some = select.bind(type, { filter, embed: false, limit: exactUpTo + 1 }, 'some');
      const [row] = await executor.rows(some.plan.text, some.parameters, OTHER);
      const total = Number(row?.[0] ?? 0);
      if (total <= exactUpTo) return { total, isEstimate: false };
      const guess = select.bind(type, { filter, embed: false }, 'guess');
      const guessed = estimate.rowsOf(await executor.rows(guess.plan.text, guess.parameters, OTHER));
      return { total: Math.max(guessed, total), isEstimate: true };
    },
    async insert(type, resource) {
      const { text, parameters } = write.insert(type, resource);
      await change(text, parameters, { operation: 'insert', type }, resource);
    },
    async update(type, id, changes) {
      const bound = write.update(type, id, changes);
      if (bound !== undefined) return (await change(bound.text, bound.parameters, { operation: 'update', type }, changes)) > 0;
      return (await fetchOnce(type, id, { filter: { kind: 'true' }, embed: false, fields: [keyOf(type)] })) !== undefined;
    },
    async delete(type, id) {
      const { text, parameters } = write.delete(type, id);
      return (await executor.change(text, parameters, { operation: 'delete', type })) > 0;
    },
    cascade: (type, id) => findCascade(session, compilers, type, id),
    ...answerStatements(executor, dialect),
    async logEvent(event) {
      if (!compilers.hasEventLog) return;
      onLogged();
      await insertEvent(executor, dialect, event);
    },
    async query(sql, parameters) {
      const text = parameters.length === 0 ? sql : toPlaceholders(dialect, sql);
      return await executor.records(text, parameters.map(toParameter));
    },
  };
  return session;
}

function toJsonList(plan: SelectPlan, rows: readonly RowValues[]): string {
  if (!plan.isJson) return JSON.stringify(rows.map(plan.decode));
  return rows.length === 1 ? `[${(rows[0]?.[0] as string | null) ?? ''}]` : `[${rows.map((row) => row[0]).join(',')}]`;
}

function withId(type: ResourceType, id: unknown, filter: Filter): Filter {
  const isScalar = typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean';
  if (!isScalar) return { kind: 'false' };
  const own: Filter = { kind: 'in', property: keyOf(type), values: [id] };
  return filter.kind === 'true' ? own : { kind: 'and', of: [own, filter] };
}

const EVENT_COLUMNS = ['type', 'path', 'timestamp', 'version', 'body', 'sync_plain', 'sync_property'];

interface LogTexts {
  readonly insertEvent: string;
  readonly insertAnswer: string;
  readonly selectAnswer: string;
}

const textsOf = new Map<Dialect, LogTexts>();

/** Made once: every transaction has a session of its own. */
function logTexts(dialect: Dialect): LogTexts {
  let texts = textsOf.get(dialect);
  if (texts === undefined) {
    const key = dialect.quote('key');
    texts = {
      insertEvent: insertInto(dialect, EVENTS_TABLE, EVENT_COLUMNS),
      insertAnswer: insertInto(dialect, ANSWERS_TABLE, ['key', 'fingerprint', 'status', 'body', 'created_at']),
      selectAnswer: `SELECT fingerprint, status, body FROM ${dialect.quote(ANSWERS_TABLE)} WHERE ${key} = ${dialect.placeholder(1)}`,
    };
    textsOf.set(dialect, texts);
  }
  return texts;
}

function toNow(dialect: Dialect): Parameter {
  return dialect.bind(Math.floor(Date.now() / 1000), 'integer');
}

async function insertEvent(executor: Executor, dialect: Dialect, event: EventRow): Promise<void> {
  const flag = dialect.bind(event.syncPlain, 'boolean');
  const version = dialect.bind(event.version, 'integer');
  const values = [event.type, event.path, toNow(dialect), version, event.body, flag, event.syncProperty];
  await executor.change(logTexts(dialect).insertEvent, values, OTHER);
}

function answerStatements(executor: Executor, dialect: Dialect): Pick<Session, 'recallAnswer' | 'rememberAnswer'> {
  const { insertAnswer, selectAnswer } = logTexts(dialect);
  return {
    async recallAnswer(key) {
      const [row] = await executor.rows(selectAnswer, [key], OTHER);
      return row === undefined ? undefined : { fingerprint: String(row[0]), status: Number(row[1]), body: String(row[2]) };
    },
    async rememberAnswer(key, answer) {
      try {
        const values = [key, answer.fingerprint, dialect.bind(answer.status, 'integer'), answer.body, toNow(dialect)];
        await executor.change(insertAnswer, values, OTHER);
      } catch (error) {
        throw error instanceof SekishoError && error.code === 'RESOURCE_CONFLICT' ? new RunAgain(ANSWERED, error) : error;
      }
    },
  };
}

function toParameter(value: unknown): Parameter {
  if (value === undefined) return null;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Parameter);
}

/** Statements of others have `?`; PostgreSQL counts its placeholders. Those in quotes and comments are left alone. */
function toPlaceholders(dialect: Dialect, sql: string): string {
  if (dialect.kind !== 'postgresql' || !sql.includes('?')) return sql;
  let count = 0;
  return sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g, (token) => {
    if (token !== '?') return token;
    count += 1;
    return `$${count}`;
  });
}
