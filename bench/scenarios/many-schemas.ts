import { until } from '../../test/support/until.ts';
import { toSchema } from '../items-schema.ts';
import { processTree, rssBytes } from '../process-usage.ts';
import type { Measurement } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';

const FILES = 500;

/** Start and memory with 500 schema files on SQLite: the first start, which makes the tables, and one that finds them. */
export async function measureManySchemas(_effort: Effort): Promise<Measurement[]> {
  const files: Record<string, string> = {};
  for (let index = 0; index < FILES; index += 1) files[`schemas/s${index}.yaml`] = `schemas:\n${toSchema(`s${index}x`)}`;
  const startedAt = performance.now();
  await using gateway = await startPinnedGateway(
    {
      database: { type: 'sqlite3', connection: './data.db' },
      schemas: Object.keys(files).map((file) => `./${file}`),
      keystone: { fake: true },
    },
    files,
  );
  const first = performance.now() - startedAt;
  await gateway.stop();
  const againAt = performance.now();
  await gateway.restart();
  const again = performance.now() - againAt;
  const rss = await until('memory is read', async () => rssBytes(processTree(gateway.pid())) || undefined);
  return [
    { name: `${FILES} schemas: first start`, measured: first / 1000, unit: 's', goal: { atMost: 3 }, note: 'makes all tables' },
    { name: `${FILES} schemas: start`, measured: again / 1000, unit: 's', goal: { atMost: 3 } },
    { name: `${FILES} schemas: memory`, measured: rss / 1e6, unit: 'MB', goal: { atMost: 150 } },
  ];
}
