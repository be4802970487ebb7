import type { Database } from '../sql/types.ts';
import { findRows } from './find-rows.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { parseReport, type Report, type StoredState, toStored, whyIgnored } from './report-rules.ts';

/** A report as etcd has it. */
export interface Sent {
  readonly key: string;
  readonly modRevision: number;
  readonly kind: Report['kind'];
  readonly path: string;
  readonly text: string;
  readonly isListed: boolean;
}

/** What became of reports, so that a list that has them again does not run their handlers again. */
export interface JudgedReports {
  /** `final` is what was stored after the handlers; undefined when the report itself makes no sense. */
  judge(sent: Sent, final: Report | undefined): void;
  /** Forgets all but those of a whole list. */
  keep(listed: readonly Sent[]): void;
  /**
   * Those of a list that may change something, as a look without locks says, and that were not judged before. Rejects when the database is away.
   */
  open(listed: readonly Sent[]): Promise<readonly Sent[]>;
}

interface Judgement {
  readonly modRevision: number;
  readonly final: Report | undefined;
}

const PAGE = 500;

/** The judgements of one term. */
export function createJudgedReports(database: Database, layout: () => SyncLayout): JudgedReports {
  let judged = new Map<string, Judgement>();
  const isOpen = (sent: Sent, stored: StoredState | undefined): boolean => {
    const judgement = judged.get(sent.key);
    const isKnown = judgement?.modRevision === sent.modRevision;
    if (isKnown && judgement.final === undefined) return false;
    if (stored === undefined) return false;
    const report = tryParse(sent);
    // What makes no sense is told, once.
    if (report === undefined) return true;
    if (whyIgnored(report, stored, true) !== undefined) return false;
    return !(isKnown && holds(stored, judgement.final));
  };
  return {
    judge({ key, modRevision }, final) {
      judged.set(key, { modRevision, final });
    },
    keep(listed) {
      const present = new Set(listed.map(({ key }) => key));
      judged = new Map([...judged].filter(([key]) => present.has(key)));
    },
    async open(listed) {
      const open: Sent[] = [];
      for (const [type, all] of byType(layout(), listed))
        for (let from = 0; from < all.length; from += PAGE) {
          const page = all.slice(from, from + PAGE);
          const paths = [...new Set(page.map(({ path }) => path))];
          const rows = await findRows(database.reader, type, paths);
          for (const sent of page) {
            const row = rows.get(sent.path);
            if (isOpen(sent, row && toStored(row))) open.push(sent);
          }
        }
      return open;
    },
  };
}

/** Without those of types that have no states. */
function byType(layout: SyncLayout, listed: readonly Sent[]): ReadonlyMap<TypeLayout, readonly Sent[]> {
  const groups = new Map<TypeLayout, Sent[]>();
  for (const sent of listed) {
    const type = layout.typeOf(sent.path);
    if (type === undefined || !type.type.stateVersioning) continue;
    const group = groups.get(type);
    if (group === undefined) groups.set(type, [sent]);
    else group.push(sent);
  }
  return groups;
}

function tryParse({ kind, text }: Sent): Report | undefined {
  try {
    return parseReport(kind, text);
  } catch {
    return undefined;
  }
}

/** Whether a row has what was stored of a report. */
function holds(stored: StoredState, final: Report | undefined): boolean {
  if (final === undefined) return false;
  if (final.kind === 'monitoring') return final.monitoring === stored.monitoring;
  return final.version === stored.stateVersion && final.error === stored.error && final.state === stored.state;
}
