import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPetstore } from '../support/petstore.ts';

let gateway: Gateway;
before(async () => {
  gateway = await startPetstore();
});
after(() => gateway[Symbol.asyncDispose]());

/** One request, as the user of that name of the fake Keystone; without one as nobody. */
function as(user: string | undefined, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = user === undefined ? {} : { 'x-auth-token': `${user}_token` };
  return ask(`${gateway.proxyUrl}/petstore/v1${path}`, { method, headers, body });
}

async function made(user: string, path: string, body: Readonly<Record<string, unknown>>): Promise<Record<string, any>> {
  const answer = await as(user, 'POST', path, body);
  assert.equal(answer.status, 201, answer.text);
  return Object.values(answer.json<Record<string, Record<string, unknown>>>())[0] ?? {};
}

test('the petstore: catalogue, stores, pets and orders under their policies', async (t) => {
  const dog = await made('admin', '/categories', { name: 'dog' });
  const store = await made('demo', '/stores', { name: 'Happy Paws', city: 'Kyoto', email: 'paws@example.com' });

  await t.test('only admins write the catalogue, everybody reads it', async () => {
    assert.equal((await as('demo', 'POST', '/categories', { name: 'cat' })).status, 403);
    assert.equal((await as(undefined, 'POST', '/categories', { name: 'cat' })).status, 401);
    assert.equal((await as(undefined, 'GET', '/orders')).status, 401);
    assert.equal((await as('admin', 'POST', '/categories', { name: 'dog' })).status, 409);
    assert.deepEqual((await as(undefined, 'GET', '/categories')).json().categories, [dog]);
  });

  const rex = await made('demo', '/pets', { name: 'Rex', store_id: store['id'], category_id: dog['id'], price: 120, purchase_price: 40 });
  const pup = await made('demo', '/pets', { name: 'Pup', store_id: store['id'], category_id: dog['id'], price: 80, mother_id: rex['id'] });

  await t.test('what is absent gets its default, nested too, and what is related is embedded', async () => {
    assert.equal(rex['status'], 'available');
    assert.deepEqual(rex['tags'], []);
    assert.equal(rex['traits'].colour, 'unknown');
    assert.equal(rex['mother'] ?? null, null);
    const shown = (await as('demo', 'GET', `/pets/${pup['id']}`)).json().pet;
    assert.equal(shown.category.name, 'dog');
    assert.equal(shown.mother.name, 'Rex');
  });

  await t.test('a wrong body is told by property', async () => {
    const answer = await as('demo', 'POST', '/pets', { name: '', store_id: store['id'], category_id: dog['id'], price: -1, colour: 'red' });
    assert.equal(answer.status, 400);
    const pointers = answer.json().errors.map(({ pointer }: { pointer: string }) => pointer);
    for (const pointer of ['/name', '/price', '/colour']) assert.ok(pointers.includes(pointer), `${pointer} in ${answer.text}`);
  });

  await t.test('the list below the store has its pets, filters, order and the total', async () => {
    const all = await as('demo', 'GET', `/stores/${store['id']}/pets?sort=price:asc&limit=1`);
    assert.equal(all.headers['x-total-count'], '2');
    assert.deepEqual(
      all.json().pets.map(({ name }: { name: string }) => name),
      ['Pup'],
    );
    const dear = await as('demo', 'GET', '/pets?price__gte=100&_fields=name');
    assert.deepEqual(dear.json().pets, [{ name: 'Rex' }]);
    assert.equal((await as('demo', 'GET', '/pets?colour=red')).status, 400);
  });

  await t.test('nobody sees available pets, without what the store paid', async () => {
    assert.equal((await as('demo', 'PATCH', `/pets/${pup['id']}`, { status: 'sold' })).status, 200);
    const { pets } = (await as(undefined, 'GET', '/pets')).json();
    assert.deepEqual(
      pets.map(({ name }: { name: string }) => name),
      ['Rex'],
    );
    assert.equal('purchase_price' in pets[0], false);
    assert.equal((await as(undefined, 'GET', `/pets/${pup['id']}`)).status, 404);
    const shop = (await as(undefined, 'GET', `/stores/${store['id']}`)).json().store;
    assert.deepEqual(Object.keys(shop), ['id', 'name', 'description', 'city']);
  });

  await t.test('another tenant sees and changes nothing of the store', async () => {
    assert.deepEqual((await as('power_user', 'GET', '/pets')).json().pets, []);
    assert.equal((await as('power_user', 'PATCH', `/pets/${rex['id']}`, { price: 1 })).status, 404);
    const theft = { name: 'Own', store_id: store['id'], category_id: dog['id'], price: 1, tenant_id: rex['tenant_id'] };
    assert.equal((await as('power_user', 'POST', '/pets', theft)).status, 403);
  });

  await t.test('orders are for pets that can be bought, and only their way is open', async () => {
    assert.ok((await as('power_user', 'POST', '/orders', { pet_id: pup['id'] })).status >= 400);
    assert.equal((await as('power_user', 'POST', '/orders', { pet_id: rex['id'], status: 'delivered' })).status, 403);
    const petStatus = async (): Promise<unknown> => (await as('demo', 'GET', `/pets/${rex['id']}`)).json().pet.status;
    const order = await made('power_user', '/orders', { pet_id: rex['id'], status: 'placed', note: 'with a bow' });
    assert.equal(await petStatus(), 'pending');
    assert.ok((await as('power_user', 'POST', '/orders', { pet_id: rex['id'] })).status >= 400);
    assert.equal((await as('admin', 'POST', '/orders', { pet_id: rex['id'] })).status, 409);
    const change = (status: string): Promise<Answer> => as('power_user', 'PATCH', `/orders/${order['id']}`, { status });
    assert.equal((await change('delivered')).status, 403);
    const cancel = (user: string, body: unknown): Promise<Answer> => as(user, 'POST', `/orders/${order['id']}/cancel`, body);
    assert.equal((await cancel('demo', {})).status, 404);
    assert.equal((await cancel('power_user', { why: 'no' })).status, 400);
    const cancelled = await cancel('power_user', { reason: 'allergic' });
    assert.equal(cancelled.status, 200, cancelled.text);
    assert.equal(cancelled.json().note, 'cancelled: allergic');
    assert.equal(await petStatus(), 'available');
    assert.equal((await change('placed')).status, 403);
    assert.equal((await as('demo', 'GET', `/orders/${order['id']}`)).status, 404);
    assert.equal((await as('admin', 'PATCH', `/orders/${order['id']}`, { status: 'delivered' })).status, 200);
  });

  await t.test('a tag that is old does not overwrite', async () => {
    const path = `${gateway.proxyUrl}/petstore/v1/pets/${rex['id']}`;
    const headers = { 'x-auth-token': 'demo_token' };
    const etag = String((await ask(path, { headers })).headers['etag']);
    assert.equal((await ask(path, { headers: { ...headers, 'if-none-match': etag } })).status, 304);
    assert.equal((await ask(path, { method: 'PATCH', headers: { ...headers, 'if-match': etag }, body: { price: 110 } })).status, 200);
    assert.equal((await ask(path, { method: 'PATCH', headers: { ...headers, 'if-match': etag }, body: { price: 100 } })).status, 412);
  });

  await t.test('deleting the store deletes its pets, and their orders', async () => {
    assert.equal((await as('demo', 'DELETE', `/stores/${store['id']}`)).status, 204);
    assert.deepEqual((await as('admin', 'GET', '/pets')).json().pets, []);
    assert.deepEqual((await as('admin', 'GET', '/orders')).json().orders, []);
  });
});

test('the OpenAPI document has what the caller may see', async () => {
  const read = async (token: string): Promise<any> =>
    (await ask(`${gateway.proxyUrl}/openapi.json`, { headers: { 'x-auth-token': token } })).json();
  assert.ok((await read('admin_token')).paths['/petstore/v1/categories'].post);
  assert.equal((await read('demo_token')).paths['/petstore/v1/categories'].post, undefined);
});
