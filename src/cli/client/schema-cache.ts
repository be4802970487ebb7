import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDurationNs } from '../../lib/duration.ts';
import { usageFailure } from '../failure.ts';
import type { CliIo } from '../io.ts';
import { clientVariable } from './client-env.ts';
import { type ClientSchema, parseClientSchemas } from './client-schema.ts';
import type { ClientServer } from './client-server.ts';

interface CacheFile {
  /** Digest of the server and of who asked. */
  readonly key: string;
  readonly savedAt: number;
  readonly body: unknown;
}

/** The schemas that the caller may read: from the cache while that counts, else from the server. Rejects with a `Failure`. */
export async function fetchSchemas(server: ClientServer, io: CliIo): Promise<readonly ClientSchema[]> {
  const { env } = io;
  const isCached = !/^(0|f|false|n|no)$/i.test(clientVariable(env, 'cacheSchemas') ?? '');
  const key = createHash('sha256').update(server.key).digest('hex');
  const path =
    clientVariable(env, 'cachePath') ??
    join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sekisho', `schemas-${key.slice(0, 16)}.json`);
  const cached = isCached ? readCache(path, key, parseTimeout(env)) : undefined;
  if (cached !== undefined) return parseClientSchemas(cached);
  const { body } = await server.call({ method: 'GET', path: clientVariable(env, 'schemaUrl') ?? '' });
  const schemas = parseClientSchemas(body);
  if (isCached) writeCache(path, { key, savedAt: Date.now(), body }, io);
  return schemas;
}

function parseTimeout(env: NodeJS.ProcessEnv): number {
  const text = clientVariable(env, 'cacheTimeout');
  const ns = parseDurationNs(text);
  if (ns === undefined || ns < 0) throw usageFailure(`SEKISHO_CACHE_TIMEOUT: found '${text}', expected a time such as 5m`);
  return ns / 1e6;
}

/** Undefined when there is none that counts; a damaged file is none. */
function readCache(path: string, key: string, timeoutMs: number): unknown {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as Partial<CacheFile> | null;
    const age = Date.now() - Number(file?.savedAt);
    return file?.key === key && age >= 0 && age < timeoutMs ? file.body : undefined;
  } catch {
    return undefined;
  }
}

function writeCache(path: string, file: CacheFile, io: CliIo): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
  } catch (error) {
    io.err(`warning: the schemas can not be kept in ${path}: ${(error as Error).message}\n`);
  }
}
