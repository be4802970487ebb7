import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  [gateway, upstream] = await Promise.all([startGateway(), startUpstream()]);
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

/** The target that the upstream saw for `path`. */
async function seen(path: string): Promise<string> {
  const { status, text } = await ask(gateway.proxyUrl + path);
  return status === 200 ? ((JSON.parse(text).line as string).split(' ')[1] ?? '') : `status ${status}`;
}

interface Table {
  readonly pattern: string;
  readonly base: string;
  readonly strip: boolean;
  /** Request target, and what the upstream gets. */
  readonly cases: Readonly<Record<string, string>>;
}

const TABLES: readonly Table[] = [
  {
    pattern: '/k/*',
    base: '',
    strip: false,
    cases: { '/k/x': '/k/x', '/k/': '/k/', '/k/x/y/?q=1': '/k/x/y/?q=1', '/k/a%2Fb': '/k/a%2Fb', '/k/a%20b': '/k/a%20b' },
  },
  { pattern: '/k/*', base: '/base', strip: false, cases: { '/k/x': '/base/k/x', '/k/x?a=b&a=c': '/base/k/x?a=b&a=c' } },
  { pattern: '/k/*', base: '/base/', strip: false, cases: { '/k/x': '/base/k/x', '/k/x/../y': '/base/k/y' } },
  { pattern: '/k/*', base: '', strip: true, cases: { '/k/x/y': '/x/y', '/k/': '/', '/k/x/': '/x/', '/k/?q=1': '/?q=1' } },
  { pattern: '/k/*', base: '/base', strip: true, cases: { '/k/x/y': '/base/x/y', '/k/': '/base', '/k//x': '/base/x' } },
  { pattern: '/k*', base: '/base', strip: true, cases: { '/kx': '/base/x', '/k/x': '/base/x', '/k': '/base' } },
  { pattern: '/k/{id}', base: '/base', strip: true, cases: { '/k/1': '/base', '/k/1?q=1': '/base?q=1' } },
  { pattern: '/k', base: '', strip: true, cases: { '/k': '/', '/k?q': '/?q' } },
  { pattern: '/k/{id}/*', base: '/base', strip: true, cases: { '/k/1/x': '/base/k/1/x' } },
  { pattern: '/k', base: '/b?own=1', strip: true, cases: { '/k': '/b?own=1', '/k?q=2': '/b?own=1&q=2' } },
];

test('targets: stripPath, base paths, queries of service and client', async () => {
  for (const { pattern, base, strip, cases } of TABLES) {
    await deploy(gateway, 't', { urls: [upstream.url + base], route: { paths: [pattern], stripPath: strip } });
    for (const [path, wanted] of Object.entries(cases)) assert.equal(await seen(path), wanted, `${pattern} on ${base} (${strip}): ${path}`);
  }
});

test('disableQueryParams drops the query of the client, not the one of the service', async () => {
  await deploy(gateway, 'dq', { urls: [`${upstream.url}/x?own=1`], service: { disableQueryParams: true }, route: { stripPath: true } });
  assert.equal(await seen('/dq?a=1'), '/x?own=1');
  await deploy(gateway, 'dq', { urls: [upstream.url], service: { disableQueryParams: true } });
  assert.equal(await seen('/dq/y?a=1'), '/dq/y');
  await deploy(gateway, 'dq', { urls: [upstream.url] });
  assert.equal(await seen('/dq/y?a=1'), '/dq/y?a=1', 'the next version of the service counts at once');
});

test('preserveHost decides about Host and nothing else', async () => {
  const host = async (): Promise<string> => {
    const answer = await ask(`${gateway.proxyUrl}/ph`, { headers: { host: 'Front.test:99' } });
    return answer.json().headers.find(([name]: [string]) => name.toLowerCase() === 'host')[1];
  };
  await deploy(gateway, 'ph', { urls: [upstream.url] });
  assert.equal(await host(), `127.0.0.1:${upstream.port}`);
  await deploy(gateway, 'ph', { urls: [upstream.url], route: { preserveHost: true } });
  assert.equal(await host(), 'Front.test:99');
});

test('several URLs are used in turn, shared by all routes of the service and kept over unrelated changes', async () => {
  const urls = ['/a', '/b', '/c'].map((path) => upstream.url + path);
  await deploy(gateway, 'rr', { urls, route: { stripPath: true } });
  await gateway.put('route', { name: 'rr2', paths: ['/rr2'], methods: ['*'], service: 'rr', stripPath: true });
  const first = [await seen('/rr'), await seen('/rr2'), await seen('/rr'), await seen('/rr2')];
  assert.deepEqual(first, ['/a', '/b', '/c', '/a']);
  await gateway.put('namespace', { name: 'unrelated' });
  assert.equal(await seen('/rr'), '/b');

  await deploy(gateway, 'rrm', { urls, source: 'export const requestModifier = () => {}', route: { stripPath: true } });
  const withModules = [await seen('/rrm'), await seen('/rrm'), await seen('/rrm')];
  assert.deepEqual(withModules.toSorted(), ['/a', '/b', '/c']);

  await deploy(gateway, 'dup', { urls: [urls[0] ?? '', urls[0] ?? '', urls[1] ?? ''], route: { stripPath: true } });
  const weighted = await Promise.all(Array.from({ length: 6 }, () => seen('/dup')));
  assert.equal(weighted.filter((path) => path === '/a').length, 4, 'a URL that is listed twice gets twice as much');
});

test('upstream schemes: ws is http; a host name, an upper-case scheme and an IPv6 literal work', async () => {
  for (const [name, url] of Object.entries({
    ws: `ws://127.0.0.1:${upstream.port}`,
    upper: `HTTP://127.0.0.1:${upstream.port}`,
    named: `http://localhost:${upstream.port}`,
  })) {
    await deploy(gateway, name, { urls: [url] });
    assert.equal(await seen(`/${name}`), `/${name}`);
  }
});
