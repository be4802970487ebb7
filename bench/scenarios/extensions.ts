import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { type Kind, startDatabase } from '../databases.ts';
import { TOKEN, toItem } from '../items.ts';
import { CONNECTIONS, POLICIES, toSchema } from '../items-schema.ts';
import type { Measurement } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';

const KINDS: readonly Kind[] = ['postgresql', 'sqlite3'];
const CLIENTS = [16, 1] as const;

const MODULE = `
export const preCreateInTransaction = async () => {};
export const postCreateInTransaction = async () => {};
`;
const SCRIPT = `
gohan_register_handler('pre_create_in_transaction', function (context) {});
gohan_register_handler('post_create_in_transaction', function (context) {});
`;
const PLAIN = 'plain';
/** The same schema without handlers, with those of a module, and with those of a script as Gohan has them. */
const PAIRS: readonly { readonly schema: string; readonly name: string; readonly atMost?: number }[] = [
  { schema: 'module', name: 'TypeScript pair', atMost: 60 },
  { schema: 'script', name: 'Gohan script pair' },
];
const SCHEMAS = [
  'schemas:',
  ...[PLAIN, ...PAIRS.map(({ schema }) => schema)].map((schema) => toSchema(schema)),
  'extensions:',
  "- {id: module, path: '^/bench/modules', code_type: typescript, url: ./module.ts}",
  "- {id: script, path: '^/bench/scripts', code_type: javascript, url: ./script.js}",
  POLICIES,
].join('\n');

/** CPU of a create with two empty handlers in its transaction, beyond one of the same schema without, with 16 connections and with one. */
export async function measureExtensions(effort: Effort): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const kind of KINDS) {
    await using server = await startDatabase(kind);
    const connection = await server.createDatabase();
    await using gateway = await startPinnedGateway(
      { database: { type: kind, connection, max_open_conn: CONNECTIONS }, schemas: ['./schemas.yaml'], keystone: { fake: true } },
      { 'schemas.yaml': SCHEMAS, 'module.ts': MODULE, 'script.js': SCRIPT },
    );
    const targets = CLIENTS.flatMap((connections) =>
      [PLAIN, ...PAIRS.map(({ schema }) => schema)].map((schema) => ({
        name: nameOf(schema, connections),
        pid: gateway.pid(),
        url: `${gateway.proxyUrl}/bench/${schema}s`,
        load: { connections, headers: { 'X-Auth-Token': TOKEN }, body: JSON.stringify(toItem(7)) },
      })),
    );
    const costs = await measureCpuPerRequest(targets, effort.rounds, Math.min(effort.seconds, 3));
    rows.push(...CLIENTS.flatMap((connections) => toRows(costs, server.title, connections)));
  }
  return rows;
}

const nameOf = (schema: string, connections: number): string => `${schema}, ${connections}`;

function toRows(costs: readonly TargetCost[], title: string, connections: number): Measurement[] {
  const costOf = (schema: string): TargetCost => {
    const cost = costs.find(({ name }) => name === nameOf(schema, connections));
    if (cost === undefined) throw new Error(`not measured: ${schema}`);
    return cost;
  };
  const plain = costOf(PLAIN);
  return PAIRS.map(({ schema, name, atMost }) => {
    const cost = costOf(schema);
    return {
      name: `${title}: ${name}, ${connections === 1 ? '1 connection' : `${connections} connections`}`,
      measured: cost.median - plain.median,
      unit: 'µs more',
      ...(atMost !== undefined && { goal: { atMost } }),
      note: `${cost.median.toFixed(1)} µs against ${plain.median.toFixed(1)} µs; ${Math.round(cost.perSecond)}/s against ${Math.round(plain.perSecond)}/s`,
    };
  });
}
