import type { Etcd, KeyValue, Leadership } from '../etcd/types.ts';
import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { SyncEvent } from '../lib/sync-event.ts';
import type { IsolationLevel } from '../schema/types.ts';
import type { Database, Session } from '../sql/types.ts';
import { findRows, toResource } from './find-rows.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { createJudgedReports, type JudgedReports, type Sent } from './listed-reports.ts';
import { MONITORING_PREFIX, REPORTS_PREFIX, STATE_PREFIX } from './names.ts';
import { backoffMs, pause } from './pause.ts';
import { parseReport, type Report, toStored, whyIgnored } from './report-rules.ts';
import type { RunEvent } from './types.ts';

export interface ReportsOptions {
  readonly etcd: Etcd;
  readonly database: Database;
  layout(): SyncLayout;
  readonly runEvent: RunEvent;
}

/** Resources whose reports are taken in at the same time; those of one go one after the other. */
const CONCURRENCY = 8;
const MAX_PAUSE_MS = 5000;

type Outcome = Pick<Extract<SyncEvent, { readonly type: 'sync.reported' }>, 'outcome' | 'reason' | 'error'>;

/** Why a report is ignored, or what was stored of it. */
type Taken = { readonly reason: string } | { readonly final: Report };

/**
 * Takes in what workers report about resources until the term is over. It begins with what is there, so nothing is lost that was reported while nobody
 * listened; what a handler refused is offered again with the next list, and so is what comes to count meanwhile. What was stored is not, so that its handlers
 * run once.
 */
export async function takeReports(options: ReportsOptions, { lost }: Leadership): Promise<void> {
  const judged = createJudgedReports(options.database, () => options.layout());
  const taking = { ...options, judged };
  const watch = options.etcd.watch({
    prefix: REPORTS_PREFIX,
    async onList({ kvs }) {
      const sent = kvs.flatMap((kv) => toSent(kv, true));
      judged.keep(sent);
      // Monitoring counts only once the state is there.
      for (const kind of ['state', 'monitoring'] as const) {
        const listed = sent.filter((one) => one.kind === kind);
        await takeAll(taking, await openOf(judged, listed, lost), lost);
      }
    },
    async onEvents(events) {
      const sent = events.flatMap(({ type, kv }) => (type === 'put' ? toSent(kv, false) : []));
      await takeAll(taking, sent, lost);
    },
  });
  await new Promise<void>((resolve) => {
    lost.addEventListener('abort', () => resolve(), { once: true });
    if (lost.aborted) resolve();
  });
  await watch.close();
}

interface Taking extends ReportsOptions {
  readonly judged: JudgedReports;
}

/** As long as the database is away, the list waits. */
async function openOf(judged: JudgedReports, listed: readonly Sent[], lost: AbortSignal): Promise<readonly Sent[]> {
  for (let failures = 1; !lost.aborted; failures += 1) {
    try {
      return await judged.open(listed);
    } catch (error) {
      if (!lost.aborted) observe({ type: 'error', error: toSekishoError(error), where: 'looking through the reports of workers' });
      await pause(backoffMs(failures, MAX_PAUSE_MS), lost);
    }
  }
  return [];
}

function toSent({ key, value, modRevision }: KeyValue, isListed: boolean): readonly Sent[] {
  for (const [kind, prefix] of [
    ['state', STATE_PREFIX],
    ['monitoring', MONITORING_PREFIX],
  ] as const)
    if (key.startsWith(`${prefix}/`)) return [{ key, modRevision, kind, path: key.slice(prefix.length), text: value.toString(), isListed }];
  return [];
}

async function takeAll(options: Taking, all: readonly Sent[], lost: AbortSignal): Promise<void> {
  const queues = [...Map.groupBy(all, ({ path }) => path).values()];
  const work = async (): Promise<void> => {
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift())
      for (const sent of queue) await takeOne(options, sent, lost);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queues.length) }, work));
}

async function takeOne(options: Taking, sent: Sent, lost: AbortSignal): Promise<void> {
  const layout = options.layout().typeOf(sent.path);
  if (layout === undefined || !layout.type.stateVersioning) return;
  for (let failures = 1; !lost.aborted; failures += 1) {
    const outcome = await tryReport(options, layout, sent, lost);
    const code = outcome.error?.code;
    // As long as the database is away, or no thread has time, the report waits, and those behind it too.
    const isTransient = code === 'DATABASE_LOST' || code === 'DATABASE_RETRY' || code === 'EXTENSION_BUSY';
    if (lost.aborted && outcome.outcome === 'failed') return;
    observe({ type: 'sync.reported', schema: layout.type.id, report: sent.kind, path: sent.path, ...outcome });
    if (!isTransient) return;
    await pause(backoffMs(failures, MAX_PAUSE_MS), lost);
  }
}

async function tryReport(options: Taking, layout: TypeLayout, sent: Sent, lost: AbortSignal): Promise<Outcome> {
  const { type } = layout;
  try {
    const report = parseReport(sent.kind, sent.text);
    const isolation: IsolationLevel = type.isolationLevels[`${sent.kind}_update`] ?? 'SERIALIZABLE';
    const taken = await options.database.transaction(
      (session) => store(options.runEvent, session, layout, { report, path: sent.path, isListed: sent.isListed, signal: lost }),
      { isolation, signal: lost },
    );
    if ('reason' in taken) return { outcome: 'ignored', reason: taken.reason };
    options.judged.judge(sent, taken.final);
    return { outcome: 'stored' };
  } catch (error) {
    const known = toSekishoError(error);
    if (known.code === 'SYNC_STATE_INVALID') options.judged.judge(sent, undefined);
    return { outcome: 'failed', error: known };
  }
}

interface Due {
  readonly report: Report;
  readonly path: string;
  readonly isListed: boolean;
  readonly signal: AbortSignal;
}

/** Judges and stores a report with its row locked, between its events. */
async function store(runEvent: RunEvent, session: Session, layout: TypeLayout, due: Due): Promise<Taken> {
  const { report, path, isListed, signal } = due;
  const { type } = layout;
  const row = (await findRows(session, layout, [path], 'skip_related')).get(path);
  if (row === undefined) return { reason: 'there is no such resource' };
  const stored = toStored(row);
  const reason = whyIgnored(report, stored, isListed);
  if (reason !== undefined) return { reason };
  const resource = toResource(type, row);
  const event = `${report.kind}_update_in_transaction`;
  const shared = { schema_id: type.id, resource, config_version: stored.configVersion };
  const fields = report.kind === 'state' ? { ...shared, state: withoutKind(report) } : { ...shared, monitoring: report.monitoring };
  const outcome = await runEvent(type.id, `pre_${event}`, fields, { session, signal });
  const final = report.kind === 'state' ? toFinalState(report, outcome.state) : toFinalMonitoring(report, outcome.monitoring);
  const versions = { config_version: stored.configVersion };
  await session.update(
    type,
    row['id'],
    final.kind === 'state'
      ? { ...versions, state_version: final.version, state_error: final.error, state: final.state }
      : { ...versions, state_monitoring: final.monitoring },
  );
  const after = final.kind === 'state' ? { ...shared, state: withoutKind(final) } : { ...shared, monitoring: final.monitoring };
  await runEvent(type.id, `post_${event}`, after, { session, signal });
  return { final };
}

function withoutKind({ version, error, state }: Report & { readonly kind: 'state' }): Readonly<Record<string, unknown>> {
  return { version, error, state };
}

/** What the handlers of the `pre_` event left in the context is stored. */
function toFinalState(report: Report & { readonly kind: 'state' }, left: unknown): Report {
  if (typeof left !== 'object' || left === null || Array.isArray(left)) return report;
  const { error, state } = left as Readonly<Record<string, unknown>>;
  const text = (value: unknown, otherwise: string): string =>
    value === undefined ? otherwise : typeof value === 'string' ? value : JSON.stringify(value);
  return { ...report, error: text(error, report.error), state: text(state, report.state) };
}

function toFinalMonitoring(report: Report & { readonly kind: 'monitoring' }, left: unknown): Report {
  if (left === undefined || left === null) return report;
  return { ...report, monitoring: typeof left === 'string' ? left : JSON.stringify(left) };
}
