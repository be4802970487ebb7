import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../../test/support/gateway.ts';
import type { Measurement } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';

const WRITERS = 8;
const NAMES_PER_WRITER = 10;

/** What a writer knows of one service: the last version that was acknowledged and the last that it tried. */
interface Expected {
  acknowledged: number;
  attempted: number;
}

/** kill -9 while eight writers change services through the admin API, then a restart: acknowledged changes that are gone. */
export async function measureKillCycles(effort: Effort): Promise<Measurement[]> {
  const cycles = effort.isQuick ? 10 : 50;
  const expected = new Map<string, Expected>();
  await using gateway = await startPinnedGateway({ storage: { type: 'file', dir: 'data' } });
  let lost = 0;
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeUntilGone(gateway, writer, expected)));
    await pause(50 + Math.random() * 250);
    await gateway.kill();
    await writing;
    await gateway.restart();
    lost += await countLost(gateway, expected);
  }
  const acknowledged = [...expected.values()].reduce((sum, { acknowledged: version }) => sum + version, 0);
  return [{ name: `acknowledged changes lost in ${cycles} kills`, measured: lost, unit: `of ${acknowledged}`, goal: { atMost: 0 } }];
}

/** Puts new versions of this writer's services, one at a time, until the gateway is gone. */
async function writeUntilGone(gateway: Gateway, writer: number, expected: Map<string, Expected>): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const name = `s${writer}-${turn % NAMES_PER_WRITER}`;
    const state = expected.get(name) ?? { acknowledged: 0, attempted: 0 };
    expected.set(name, state);
    state.attempted += 1;
    const body = { name, urls: ['http://127.0.0.1:9'], tags: [`${state.attempted}`] };
    const answer = await gateway.admin('PUT', '/api/v1/service', body).catch(() => undefined);
    if (!answer) return;
    if (answer.status !== 201) throw new Error(`PUT service: ${answer.status} ${answer.text}`);
    state.acknowledged = state.attempted;
  }
}

async function countLost(gateway: Gateway, expected: ReadonlyMap<string, Expected>): Promise<number> {
  const services: { name: string; tags: string[] }[] = (await gateway.admin('GET', '/api/v1/service')).json().data;
  const stored = new Map(services.map((service) => [service.name, Number(service.tags[0])]));
  let lost = 0;
  for (const [name, state] of expected) {
    const version = stored.get(name) ?? 0;
    if (version < state.acknowledged || version > state.attempted) lost += 1;
    // An unanswered write may have been stored or not; from here on what is there counts.
    state.attempted = state.acknowledged = version;
  }
  return lost;
}
