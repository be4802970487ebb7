import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { type ModelsUnderTest, onEveryDatabaseServing, property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';

/** What each handler does is told by the name of the resource. `mark` is a table that tells from outside what happened. */
const GOHAN = `
gohan_register_handler("pre_create_in_transaction", function (context) {
  var name = context.resource.name;
  gohan_db_create(context.transaction, "mark", {id: "in " + context.resource.id});
  if (name === "sleep") { gohan_sleep(60000); }
  if (name === "spin") { while (true) {} }
  if (name === "stubborn") { for (;;) { try { gohan_sleep(60000); } catch (e) { } } }
  if (name === "http") { gohan_http("GET", "http://127.0.0.1:1/", {}, null); gohan_sleep(60000); }
});
gohan_register_handler("post_create", function (context) { if (context.resource.name === "after") { gohan_sleep(60000); } });
`;
const MODULE = `
const forever = () => new Promise(() => setTimeout(() => {}, 60_000));
export async function preCreateInTransaction(context) {
  const { name, id } = context.resource;
  await context.tx.create('mark', { id: 'in ' + id });
  if (name === 'sleep' || name === 'http') await forever();
  if (name === 'spin') for (;;);
  if (name === 'stubborn') for (;;) await forever().catch(() => {});
}
export async function postCreate(context) { if (context.resource.name === 'after') await forever(); }
`;

const SCHEMAS = [
  'schemas:',
  schema('mark', [property('text', 'string')]),
  schema('old', [property('name', 'string')]),
  schema('new', [property('name', 'string')]),
  'extensions:',
  extension('old', '^/t/olds$', GOHAN),
  extension('new', '^/t/news$', MODULE, 'typescript'),
].join('\n');

/** Sends a create and hangs up as soon as `isTime`. */
async function leave({ gateway }: ModelsUnderTest, path: string, body: object, isTime: () => Promise<boolean>): Promise<void> {
  const call = request(gateway().proxyUrl + path, {
    method: 'POST',
    headers: { 'x-auth-token': 'admin_token', 'content-type': 'application/json' },
  });
  call.on('error', () => undefined);
  call.end(JSON.stringify(body));
  await until('the handler runs', isTime);
  call.destroy();
}

onEveryDatabaseServing(
  SCHEMAS,
  (models) => {
    const { api, gateway } = models;
    const isThere = async (path: string): Promise<boolean> => (await api('GET', `/t/${path}`)).status === 200;
    const threads = async (): Promise<readonly { readonly kind: string; readonly state: string; readonly inFlight: number }[]> =>
      (await gateway().admin('GET', '/api/v1/extensions/status')).json().data.threads;
    /** How many events were ended by the limit so far. */
    const timeoutsOf = async (style: string): Promise<string> => {
      const counted = new RegExp(`^sekisho_extension_events_total\\{environment="${style}"[^}]*outcome="timeout"\\}.*$`, 'gm');
      return ((await gateway().admin('GET', '/metrics')).text.match(counted) ?? []).join();
    };
    const isBusy = async (): Promise<boolean> => (await threads()).some(({ inFlight }) => inFlight > 0);
    const isQuiet = async (): Promise<boolean> => (await threads()).every(({ state, inFlight }) => state === 'idle' && inFlight === 0);

    for (const style of ['old', 'new']) {
      const path = `/t/${style}s`;

      for (const name of ['sleep', 'spin', 'stubborn'])
        test(`${style}: a handler in the transaction that takes too long (${name}) undoes it, and the next request is served`, async () => {
          const id = `${style} ${name}`;
          const answer = await api('POST', path, { body: { id, name } });
          assert.deepEqual([answer.status, answer.json().code], [504, 'EXTENSION_TIMEOUT'], answer.text);
          assert.ok(!(await isThere(`${style}s/${encodeURIComponent(id)}`)));
          assert.ok(!(await isThere(`marks/${encodeURIComponent(`in ${id}`)}`)));
          const next = await api('POST', path, { body: { id: `${id} next`, name: 'plain' } });
          assert.equal(next.status, 201, next.text);
          assert.ok(await isThere(`marks/${encodeURIComponent(`in ${id} next`)}`));
        });

      test(`${style}: a client that leaves ends its handler and undoes the transaction, long before the limit of time`, async () => {
        await until('nothing runs', isQuiet);
        const timeouts = await timeoutsOf(style);
        await leave(models, path, { id: `${style} left`, name: 'http' }, isBusy);
        await until('the thread is free', isQuiet);
        assert.equal(await timeoutsOf(style), timeouts);
        assert.ok(!(await isThere(`${style}s/${style}%20left`)));
        assert.equal((await api('POST', path, { body: { id: `${style} left`, name: 'plain' } })).status, 201);
      });

      test(`${style}: behind the transaction the resource stays, whether the handler is ended by the limit or by the client`, async () => {
        const late = await api('POST', path, { body: { id: `${style} late`, name: 'after' } });
        assert.equal(late.status, 504);
        assert.ok(await isThere(`${style}s/${style}%20late`));
        await leave(models, path, { id: `${style} gone`, name: 'after' }, () => isThere(`${style}s/${style}%20gone`));
        await until('the thread is free', isQuiet);
        assert.ok(await isThere(`${style}s/${style}%20gone`));
      });
    }
  },
  { extension: { timelimit: 4, sync_timeout: '2s', quarantine_kills: 1000, threads: 2 } },
);
