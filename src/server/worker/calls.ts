import type { ExplainQuery } from '../../admin/types.ts';
import type { Settings } from '../../config/settings.ts';
import type { Collection, Document } from '../../entity/types.ts';
import type { MemoryCall } from '../../extension/host/memory.ts';
import type { ExtensionsStatus } from '../../extension/types.ts';
import type { ProgramStatus } from '../../runtime/types.ts';
import type { EntitiesDelta } from '../entities-delta.ts';
import type { MetricSample } from '../metric-series.ts';
import type { ModelFiles } from '../models.ts';

/** What a worker begins with. */
export interface WorkerStart {
  /** Its place, from 1 on. */
  readonly worker: number;
  readonly settings: Settings;
  readonly configPath: string;
  /** Schema files as the supervisor has checked them; absent without schemas. */
  readonly schemaFiles: ModelFiles | undefined;
}

/** How a worker is. */
export interface WorkerVitals {
  readonly requests: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly rssBytes: number;
}

/** What a supervisor asks of a worker. */
export type WorkerCalls = {
  /** Makes everything that serves; it serves nothing yet. */
  start(start: WorkerStart): void;
  /** Listens on the socket that comes along, with the settings of the listener of that name. */
  listen(listener: string): void;
  /** Builds what leads from the entities that are served by the delta. Rejects with what is wrong with them. */
  prepare(ticket: number, delta: EntitiesDelta): void;
  /** Serves what was prepared. */
  commit(ticket: number): void;
  discard(ticket: number): void;
  /** Loads schemas from these files; rejects with what is wrong with them. */
  prepareModels(schemaFiles: ModelFiles): void;
  commitModels(): void;
  discardModels(): void;
  explain(query: ExplainQuery): unknown;
  moduleStatus(): readonly ProgramStatus[];
  releaseModule(key: string): boolean;
  extensionStatus(): ExtensionsStatus;
  releaseExtension(environment: string): boolean;
  metrics(): readonly MetricSample[];
  /** How it is, and what it has counted since it was asked last: that outlives it. */
  vitals(): { readonly vitals: WorkerVitals; readonly grown: readonly MetricSample[] };
  /** Takes no connections any more; resolves with the last metrics when all are closed. */
  drain(graceMs: number, idleMs: number): readonly MetricSample[];
};

/** What a worker asks of its supervisor. */
export type SupervisorCalls = {
  getDocument(namespace: string, collection: string, id: string): Document | undefined;
  listDocuments(namespace: string, collection: string, limit: number, offset: number): readonly Document[];
  putDocument(namespace: string, collection: string, id: string, data: unknown): Document;
  deleteDocument(namespace: string, collection: string, id: string): boolean;
  putCollection(namespace: string, collection: Partial<Collection> & { readonly name: string }): void;
  deleteCollection(namespace: string, name: string): void;
  /** Rows of the event log were committed. */
  eventsCommitted(): void;
  /** What extensions of all workers keep beyond a request. */
  extensionMemory(name: MemoryCall, args: readonly unknown[]): unknown;
  /** It was asked to end (SIGTERM), and wants to be replaced first. */
  retire(): void;
};
