/**
 * `npm run bench -- [--only NAME…] [--quick] [--json]`: measures the gateway against nginx on the same machine in the same run and prints
 * every figure beside its goal; ends with 1 when a goal is missed. Method: docs/explanation/performance.md.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureInstalled, NGINX, NGINX_LUA, WRK } from '../test/support/install.ts';
import { LOAD_CORE } from './cores.ts';
import { isMet, type Measurement, toTable } from './result.ts';
import { measureExtensions } from './scenarios/extensions.ts';
import { measureFleetChanges } from './scenarios/fleet-changes.ts';
import { measureKillCycles } from './scenarios/kill-cycles.ts';
import { measureLiveChanges } from './scenarios/live-changes.ts';
import { measureManyRoutes } from './scenarios/many-routes.ts';
import { measureManySchemas } from './scenarios/many-schemas.ts';
import { measureMemory } from './scenarios/memory.ts';
import { measureModels } from './scenarios/models.ts';
import { measureProxying } from './scenarios/proxying.ts';
import { measureSync } from './scenarios/sync.ts';
import { measureWorkers } from './scenarios/workers.ts';
import type { Effort } from './stand.ts';

const SCENARIOS: Readonly<Record<string, (effort: Effort) => Promise<Measurement[]>>> = {
  proxying: measureProxying,
  routes: measureManyRoutes,
  memory: measureMemory,
  changes: measureLiveChanges,
  kills: measureKillCycles,
  models: measureModels,
  schemas: measureManySchemas,
  extensions: measureExtensions,
  sync: measureSync,
  workers: measureWorkers,
  'fleet-changes': measureFleetChanges,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const names = values.only ?? Object.keys(SCENARIOS);
const unknown = names.filter((name) => !(name in SCENARIOS));
if (unknown.length > 0) {
  console.error(`--only ${unknown.join(', ')}: the scenarios are ${Object.keys(SCENARIOS).join(', ')}`);
  process.exit(2);
}
if (cpus().length < 2) throw new Error('needs two cores: one for the server that is measured, one for everything else');
ensureInstalled([NGINX, NGINX_LUA, WRK]);
// This process drives the load: it must not take time from the core of the server. Children start where it is and are moved by name.
execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, `${process.pid}`], { stdio: 'ignore' });

const effort: Effort = values.quick ? { rounds: 3, seconds: 2, isQuick: true } : { rounds: 7, seconds: 4, isQuick: false };
const rows: Measurement[] = [];
for (const name of names) {
  console.error(`measuring ${name} …`);
  rows.push(...((await SCENARIOS[name]?.(effort)) ?? []));
}
if (values.json)
  console.log(JSON.stringify({ at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, rows }, undefined, 2));
else console.log(toTable(rows));
process.exitCode = rows.every(isMet) ? 0 : 1;
