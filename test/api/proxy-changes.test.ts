import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy, putModule } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let server: http.Server;
let url = '';
const waiting: http.ServerResponse[] = [];

before(async () => {
  server = http.createServer((request, response) => {
    if (request.url?.includes('/wait')) waiting.push(response);
    else response.end(`${request.url}`);
  });
  server.listen(0, '127.0.0.1');
  [gateway] = await Promise.all([startGateway(), once(server, 'listening')]);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const sends = (text: string): string => `export const requestHandler = (ctx: any) => ctx.response().send('${text}')`;
const text = async (path: string): Promise<string> => (await ask(gateway.proxyUrl + path)).text;

test('an answered change is served at once', async () => {
  await deploy(gateway, 'm', { source: sends('0') });
  for (let i = 1; i <= 20; i += 1) {
    await putModule(gateway, 'm', sends(`${i}`));
    assert.equal(await text('/m'), `${i}`);
  }
  for (let i = 1; i <= 20; i += 1) {
    await deploy(gateway, 's', { urls: [`${url}/v${i}`], route: { stripPath: true } });
    assert.equal(await text('/s'), `/v${i}`);
  }
});

test('requests under way end with what they began with, whatever is changed or deleted meanwhile', async () => {
  const modules = `export const responseModifier = async (ctx: any) => ctx.upstream().writeBody('old ' + Buffer.from(await ctx.upstream().readBody()))`;
  await deploy(gateway, 'plain', { urls: [url] });
  await deploy(gateway, 'mod', { urls: [url], source: modules });
  await deploy(gateway, 'timer', {
    source: `export const requestHandler = async (ctx: any) => {
    await fetch('${url}/wait'); ctx.response().send('old handler') }`,
  });
  const answers = ['/plain/wait', '/mod/wait', '/timer'].map(text);
  await until('all are under way', () => waiting.length === 3);

  for (const name of ['plain', 'mod', 'timer']) {
    await gateway.put('route', { name, paths: [`/${name}`], methods: ['GET'] });
    assert.equal((await ask(`${gateway.proxyUrl}/${name}`)).status, 501);
    assert.equal((await gateway.admin('DELETE', '/api/v1/route', { name })).status, 202);
    if (name !== 'timer') assert.equal((await gateway.admin('DELETE', '/api/v1/service', { name })).status, 204);
    if (name !== 'plain') assert.equal((await gateway.admin('DELETE', '/api/v1/module', { name })).status, 202);
  }
  for (const response of waiting.splice(0)) response.end('answer');
  assert.deepEqual(await Promise.all(answers), ['answer', 'old answer', 'old handler']);
});

test('a module that a route dropped is free; the first listed module is the entry', async () => {
  await putModule(gateway, 'zz', sends('zz'));
  await putModule(gateway, 'aa', sends('aa'));
  const put = (modules: readonly string[]): Promise<unknown> =>
    gateway.put('route', { name: 'order', paths: ['/order'], methods: ['GET'], modules });
  await put(['zz', 'aa']);
  assert.equal(await text('/order'), 'zz');
  assert.deepEqual((await gateway.admin('GET', '/api/v1/route/order')).json().data.modules, ['zz', 'aa']);
  assert.equal((await gateway.admin('DELETE', '/api/v1/module', { name: 'zz' })).status, 400);
  await put(['aa', 'zz']);
  assert.equal(await text('/order'), 'aa');
  await put(['aa']);
  assert.equal((await gateway.admin('DELETE', '/api/v1/module', { name: 'zz' })).status, 202);
  assert.equal(await text('/order'), 'aa');
});

test('a service in use cannot go; one that the route dropped can; a changed service is used by all of its routes', async () => {
  await deploy(gateway, 'shared', { urls: [`${url}/one`], route: { stripPath: true } });
  await gateway.put('route', { name: 'shared2', paths: ['/shared2'], methods: ['GET'], service: 'shared', stripPath: true });
  assert.equal((await gateway.admin('DELETE', '/api/v1/service', { name: 'shared' })).status, 400);
  await gateway.put('service', { name: 'shared', urls: [`${url}/two`] });
  assert.deepEqual(await Promise.all(['/shared', '/shared2'].map(text)), ['/two', '/two']);
  for (const name of ['shared', 'shared2']) await gateway.put('route', { name, paths: [`/${name}`], methods: ['GET'] });
  assert.equal((await gateway.admin('DELETE', '/api/v1/service', { name: 'shared' })).status, 204);
  assert.equal((await ask(`${gateway.proxyUrl}/shared`)).status, 501);
});

test('a change that does not build is refused and the old one serves on', async () => {
  await deploy(gateway, 'good', { source: sends('good') });
  for (const source of [
    'export const requestHandler = (',
    'throw new Error("at load")',
    'export const requestHandler = 7',
    'import "./nowhere"',
  ]) {
    const refused = await gateway.admin('PUT', '/api/v1/module', { name: 'good', payload: Buffer.from(source).toString('base64') });
    assert.equal(refused.status, 400, source);
    assert.ok(refused.json().error);
    assert.equal(await text('/good'), 'good');
  }
  await gateway.put('namespace', { name: 'still-works' });
});

test('changes under load fail no request', async () => {
  await deploy(gateway, 'load', { urls: [url] });
  const load = { isOver: false };
  const outcomes = new Set<number>();
  const agent = new http.Agent({ keepAlive: true });
  const clients = Array.from({ length: 8 }, async () => {
    while (!load.isOver) outcomes.add((await ask(`${gateway.proxyUrl}/load/x`, { agent })).status);
  });
  for (let i = 0; i < 60; i += 1) {
    await deploy(gateway, 'load', { urls: [`${url}/${i}`], service: { retries: i % 3 } });
    await gateway.put('domain', { name: 'load', patterns: [`h${i}.test`, '127.0.0.1'] });
  }
  load.isOver = true;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual([...outcomes], [200]);
});
