import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ModelsUnderTest as StartedModels, StartModelsOptions as StartOptions } from '../src/server/testing/start-models.ts';
import type { EventContext, Handler, Handlers } from './extension.d.ts';
import type { FetchUpstream, RequestHandler } from './index.d.ts';
import type { ModelsUnderTest, StartModelsOptions } from './testing.d.ts';

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

interface Acting {
  network: Schemas['network'] & {
    singular: 'network';
    plural: 'networks';
    actions: { power_on: { input: { delay?: number }; output: { on: boolean } }; reset: { input: Record<string, never>; output: unknown } };
  };
}

/** Checked by the compiler, never run: contexts by event and action. */
export const handlers = {
  postList(context) {
    const [first] = context.response.networks;
    // @ts-expect-error a network has no such property
    context.total = first?.other;
  },
  postCreate: (context: EventContext<Acting, 'network', 'postCreate'>) => void (context.response.network.name += '!'),
  powerOn(context) {
    context.response = { on: context.input.delay === undefined };
    // @ts-expect-error the output says whether it is on
    context.response = { off: true };
  },
  // @ts-expect-error there is no such action
  explode() {},
} satisfies Handlers<Acting, 'network'>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

const GIVEN: StartModelsOptions = {};

/** Checked by the compiler: `sekisho/testing` has what its types say, and takes what they allow. */
export const typed: readonly [Same<keyof ModelsUnderTest, keyof StartedModels>, StartOptions] = [true, GIVEN];

test('the extensions of the petstore compile against the types that are made of its schemas', () => {
  const made = spawnSync(`${ROOT}/bin/sekisho`, ['types', 'examples/petstore/schemas/petstore.yaml'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(made.stdout, readFileSync(`${ROOT}/examples/petstore/extensions/schemas.ts`, 'utf8'));
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', 'examples/petstore'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('the modules of the examples compile against the types', () => {
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', 'examples/modules'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
