import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Handler } from './extension.d.ts';
import type { FetchUpstream, RequestHandler } from './index.d.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Checked by the compiler, never run: what the types must refuse. */
export const refused = {
  requestHandler: ((ctx) => {
    // @ts-expect-error a status is a number
    ctx.response().status('200');
    // @ts-expect-error bodies are text or bytes
    ctx.response().send(5);
    // @ts-expect-error headers are no index
    return ctx.request().headers['X-A'];
  }) satisfies RequestHandler,
  // @ts-expect-error fetchUpstream gives a URL
  fetchUpstream: ((ctx) => ctx.service().retries) satisfies FetchUpstream,
};

interface Network {
  id: string;
  name: string;
}
interface Schemas {
  network: { resource: Network; create: Partial<Network>; update: Partial<Network> };
}

/** Checked by the compiler, never run: handlers of extensions. */
export const extension = {
  preCreateInTransaction: (async (context) => {
    const others = await context.tx.list('network', { name: context.resource.name }, { limit: 1 });
    context.mine = others[0]?.id.length;
    await context.tx.query('UPDATE networks SET name = ? WHERE id = ?', ['x', 'y']);
    const same: Network = await context.model.create('network', { name: 'a' });
    // @ts-expect-error a name is a text
    context.resource.name = same.id.length;
    // @ts-expect-error a network has no such property
    same.other = 1;
  }) satisfies Handler<Schemas, 'network'>,
  powerOn: ((context) => void (context.response = { on: context.input })) satisfies Handler,
};

test('the modules of the examples compile against the types', () => {
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', 'examples/modules'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
