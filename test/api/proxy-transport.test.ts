import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';

test('disable_private_ips refuses upstreams of private networks, also behind a name and chosen by a module', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ config: { proxy: { client_transport: { disable_private_ips: true } } } });
  const source = `export const fetchUpstream = () => '${upstream.url}'`;
  const urls = [
    await deploy(gateway, 'address', { urls: [upstream.url] }),
    await deploy(gateway, 'name', { urls: [`http://localhost:${upstream.port}`] }),
    await deploy(gateway, 'chosen', { urls: ['http://public.test'], source }),
  ];
  for (const url of urls) assert.equal((await ask(url)).status, 502, url);
  assert.equal(upstream.requests.length, 0);
});

test('timeouts, header limits and keep-alive of client_transport', async () => {
  await using upstream = await startUpstream((request, response) => {
    if (request.url.includes('late')) setTimeout(() => response.end('late'), 3000);
    if (request.url.includes('late')) return true;
    if (!request.url.includes('long-head')) return false;
    response.writeHead(200, { 'x-long': 'x'.repeat(3_000) }).end();
    return true;
  });
  const transport = { response_header_timeout: '2s', max_response_header_bytes: 2_000, disable_keep_alives: true };
  await using gateway = await startGateway({ config: { proxy: { client_transport: transport } } });
  await deploy(gateway, 'up', { urls: [upstream.url], route: { paths: ['/*'] } });
  assert.equal((await ask(`${gateway.proxyUrl}/late`)).status, 502);
  assert.equal((await ask(`${gateway.proxyUrl}/long-head`)).status, 502);
  assert.equal((await ask(`${gateway.proxyUrl}/x`)).status, 200);
  await until('no connection is kept', () => upstream.connections() === 0, 20_000);

  // The service's own timeout wins over the general one.
  await deploy(gateway, 'up', { urls: [upstream.url], service: { requestTimeout: '60s' }, route: { paths: ['/*'] } });
  assert.equal((await ask(`${gateway.proxyUrl}/late`)).status, 200);
});
