import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
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

test('the modules of the examples compile against the types', () => {
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', 'examples/modules'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
