import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings.ts';

/**
 * How many workers the settings ask for; 0: one process does everything. `auto` is one for each core that this process may use, but none for models on SQLite: its file has
 * one writer at a time, and several processes would wait for each other.
 */
export function toWorkerCount({ workers, schemas, database }: Pick<Settings, 'workers' | 'schemas' | 'database'>): number {
  if (workers !== 'auto') return workers;
  return schemas.length > 0 && database?.type === 'sqlite3' ? 0 : availableParallelism();
}
