import { ask } from '../../test/support/client.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { startReferenceNginx, startUpstreamNginx } from '../nginx.ts';
import type { Measurement } from '../result.ts';
import { type Effort, plainRoute, startPinnedGateway } from '../stand.ts';

const MODIFIERS = `
export const requestModifier = (ctx) => { ctx.request().headers.set('x-mod', '1'); };
export const responseModifier = (ctx) => { ctx.upstream().headers.set('x-mod-res', '1'); };
`;
const HANDLER = `export const requestHandler = (ctx) => { ctx.response().json({ message: 'hello', name: ctx.pathParam('name') }); };`;

/** CPU per request of a plain route, a TypeScript module on the way in and out, and a requestHandler, against nginx and nginx with Lua. */
export async function measureProxying(effort: Effort): Promise<Measurement[]> {
  const [upstreamPort = 0, referencePort = 0] = await findFreePorts(2);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using reference = await startReferenceNginx(referencePort, upstreamPort);
  const plain = plainRoute(upstream.url);
  const resources = {
    services: plain.services,
    modules: [
      { name: 'modifiers', payload_file: 'modifiers.ts' },
      { name: 'handler', payload_file: 'handler.ts' },
    ],
    routes: [
      ...plain.routes,
      { name: 'module', paths: ['/module'], methods: ['GET'], service: 'upstream', modules: ['modifiers'] },
      { name: 'json', paths: ['/json/{name}'], methods: ['GET'], modules: ['handler'] },
    ],
  };
  const files = { 'modifiers.ts': MODIFIERS, 'handler.ts': HANDLER };
  await using gateway = await startPinnedGateway({ proxy: { init_resources: resources } }, files);
  await using logging = await startPinnedGateway({ access_log: true, proxy: { init_resources: plain } });
  await expectModified(`${reference.url}/lua`);
  await expectModified(`${gateway.proxyUrl}/module`);

  const targets = [
    { name: 'nginx', pid: reference.pid, url: `${reference.url}/` },
    { name: 'nginx + Lua', pid: reference.pid, url: `${reference.url}/lua` },
    { name: 'plain route', pid: gateway.pid(), url: `${gateway.proxyUrl}/plain` },
    { name: 'plain route, access log on', pid: logging.pid(), url: `${logging.proxyUrl}/plain` },
    { name: 'module in and out', pid: gateway.pid(), url: `${gateway.proxyUrl}/module` },
    { name: 'requestHandler JSON', pid: gateway.pid(), url: `${gateway.proxyUrl}/json/ann` },
  ];
  const costs = await measureCpuPerRequest(targets, effort.rounds, effort.seconds);
  return [
    ratio(costs, 'plain route', 'nginx', 3.3),
    ratio(costs, 'plain route, access log on', 'nginx'),
    ratio(costs, 'module in and out', 'nginx + Lua', 4.5),
    ratio(costs, 'requestHandler JSON', 'nginx', 3),
  ];
}

async function expectModified(url: string): Promise<void> {
  const { headers } = await ask(url);
  if (headers['x-saw-mod'] !== '1' || headers['x-mod-res'] !== '1') throw new Error(`${url} does not set both fields`);
}

function ratio(costs: readonly TargetCost[], name: string, peerName: string, atMost?: number): Measurement {
  const cost = costs.find((found) => found.name === name);
  const peer = costs.find((found) => found.name === peerName);
  if (!cost || !peer) throw new Error(`not measured: ${name}, ${peerName}`);
  const note = `${cost.median.toFixed(1)} µs against ${peer.median.toFixed(1)} µs; ${Math.round(cost.perSecond)}/s against ${Math.round(peer.perSecond)}/s`;
  return { name, measured: cost.median / peer.median, unit: `× ${peerName}`, note, ...(atMost !== undefined && { goal: { atMost } }) };
}
