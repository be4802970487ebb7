import { SekishoError } from '../lib/errors.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { Ask, Dialect } from './dialect.ts';
import { dropTables } from './drop-tables.ts';
import type { Executor } from './executor.ts';
import { rebuildTable } from './rebuild-table.ts';
import { type PlanInput, type PlanStep, planSchema, type SchemaPlan } from './schema-plan.ts';
import { ANSWER_LIFETIME_S, ANSWERS_TABLE, systemTables } from './system-tables.ts';
import { readRecord, recordStatements } from './table-record.ts';
import { wantedKeys } from './table-text.ts';

export interface PrepareOptions {
  readonly autoMigrate: boolean;
  readonly cascadeDelete: boolean;
  readonly dropFirst?: boolean;
}

/**
 * Makes the tables of the set and of the system, and adds what is missing to those that are there. The caller holds the lock that keeps other
 * nodes out. MIGRATION_NEEDED, with every reason and before anything is changed, when tables do not fit and may not or can't be changed.
 */
export async function prepareTables(dialect: Dialect, executor: Executor, schemas: SchemaSet, options: PrepareOptions): Promise<void> {
  const ask: Ask = (sql, parameters) => executor.records(sql, parameters);
  if (options.dropFirst === true) await dropTables(dialect, executor, schemas, await dialect.readTables(ask));
  await makeSystemTables(dialect, executor, await dialect.readTables(ask));
  const tables = await dialect.readTables(ask);
  const input = { dialect, resources: schemas.resources, cascadeDelete: options.cascadeDelete };
  const plan = planSchema({ ...input, tables });
  refuseUnfit(plan, options.autoMigrate);
  for (const step of plan.steps) await takeRecordedStep(dialect, executor, step);
  if (plan.rebuilds.length > 0) await rebuildTables(dialect, executor, input, plan);
  await forgetAbsent(dialect, executor, new Set([...tables.keys(), ...[...schemas.resources.values()].map(({ table }) => table)]));
  const oldest = dialect.bind(Math.floor(Date.now() / 1000) - ANSWER_LIFETIME_S, 'integer');
  await executor.change(`DELETE FROM ${dialect.quote(ANSWERS_TABLE)} WHERE created_at < ${dialect.placeholder(1)}`, [oldest], {
    operation: 'other',
  });
}

async function makeSystemTables(dialect: Dialect, executor: Executor, tables: ReadonlyMap<string, unknown>): Promise<void> {
  for (const [table, sql] of systemTables(dialect)) {
    if (!tables.has(table)) await takeStep(executor, { what: `create table ${table}`, sql });
  }
}

function refuseUnfit(plan: SchemaPlan, autoMigrate: boolean): void {
  const changes = [...plan.steps.filter((step) => !step.isNew), ...plan.rebuilds];
  const missing = autoMigrate ? [] : changes.map((change) => change.what);
  const reasons = [...plan.problems, ...missing];
  if (reasons.length === 0) return;
  const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
  throw new SekishoError('MIGRATION_NEEDED', `${reasons[0] ?? ''}${more}`, { errors: reasons.map((detail) => ({ pointer: '', detail })) });
}

/** Makes tables anew, then the indexes that went with the constraints of the earlier ones. */
async function rebuildTables(dialect: Dialect, executor: Executor, input: Omit<PlanInput, 'tables'>, plan: SchemaPlan): Promise<void> {
  const ask: Ask = (sql, parameters) => executor.records(sql, parameters);
  const tables = await dialect.readTables(ask);
  for (const type of new Set(plan.rebuilds.map((rebuild) => rebuild.type))) {
    const actual = tables.get(type.table);
    if (actual !== undefined)
      await rebuildTable(dialect, ask, type, { actual, keys: wantedKeys(type, input.resources, input.cascadeDelete) });
  }
  const rest = planSchema({ ...input, tables: await dialect.readTables(ask) });
  for (const step of rest.steps) await takeStep(executor, step);
}

/** A node that was killed between the two may have renamed a table, and not its note. */
async function forgetAbsent(dialect: Dialect, executor: Executor, present: ReadonlySet<string>): Promise<void> {
  for (const table of await readRecord(dialect, (sql, parameters) => executor.records(sql, parameters))) {
    if (present.has(table)) continue;
    for (const sql of recordStatements(dialect, { kind: 'dropped', table }).after) await executor.records(sql, []);
  }
}

/** Takes a step and keeps the record of our tables true. */
async function takeRecordedStep(dialect: Dialect, executor: Executor, step: PlanStep): Promise<void> {
  const { before, after } = recordStatements(dialect, step.change);
  for (const sql of before) await takeStep(executor, { what: step.what, sql });
  await takeStep(executor, step);
  for (const sql of after) await takeStep(executor, { what: step.what, sql });
}

async function takeStep(executor: Executor, step: Pick<PlanStep, 'what' | 'sql'>): Promise<void> {
  try {
    await executor.records(step.sql, []);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (error instanceof SekishoError && (error.code === 'DATABASE_LOST' || error.code === 'DATABASE_RETRY')) throw error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SekishoError('MIGRATION_NEEDED', `${step.what}: ${reason}`, { cause });
  }
}
