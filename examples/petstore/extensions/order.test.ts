import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ModelsUnderTest, startModels } from 'sekisho/testing';
import type { Order, Pet, Schemas } from './schemas.ts';

const ORDERS = '/petstore/v1/orders';

/** The petstore with one pet for sale, whom the tenant of `demo_token` has. */
async function startPetstore() {
  const models = await startModels<Schemas>({ schemas: '../schemas/petstore.yaml', folder: import.meta.dirname });
  const tenant_id = 'fc394f2ab2df4114bde39905f800dc57';
  await models.tx.create('category', { id: 'dog', name: 'dog' });
  await models.tx.create('store', { id: 'paws', name: 'Happy Paws', city: 'Kyoto', tenant_id });
  const rex = { id: 'rex', name: 'Rex', price: 120, category_id: 'dog', store_id: 'paws', tenant_id };
  return { models, pet: await models.tx.create('pet', rex) };
}

const order = (models: ModelsUnderTest<Schemas>, pet: Pet) =>
  models.request<{ order: Order }>('POST', ORDERS, { token: 'power_user_token', body: { pet_id: pet.id, status: 'placed' } });

test('an order reserves its pet', async () => {
  const { models, pet } = await startPetstore();
  await using _ = models;
  assert.equal((await order(models, pet)).status, 201);
  assert.equal((await models.tx.fetch('pet', pet.id)).status, 'pending');
});

test('of two orders at a time one gets the pet', async () => {
  const { models, pet } = await startPetstore();
  await using _ = models;
  const statuses = (await Promise.all([order(models, pet), order(models, pet)])).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 201).length, 1, String(statuses));
  assert.equal(await models.tx.count('order'), 1);
});

test('an order that is cancelled gives the pet back, and says why', async () => {
  const { models, pet } = await startPetstore();
  await using _ = models;
  const { id } = (await order(models, pet)).body.order;
  const cancel = (token: string) => models.request<Order>('POST', `${ORDERS}/${id}/cancel`, { token, body: { reason: 'allergic' } });
  assert.equal((await cancel('demo_token')).status, 404, 'it is the order of another tenant');
  const answer = await cancel('power_user_token');
  assert.deepEqual([answer.status, answer.body.status, answer.body.note], [200, 'cancelled', 'cancelled: allergic']);
  assert.equal((await models.tx.fetch('pet', pet.id)).status, 'available');
  assert.equal((await cancel('power_user_token')).status, 403, 'it is cancelled already');

  assert.equal((await order(models, pet)).status, 201);
  await models.request('PATCH', `${ORDERS}/${id}`, { body: { note: 'sorry' } });
  assert.equal((await models.tx.fetch('pet', pet.id)).status, 'pending', 'the old order has no say any more');
});

test('the handler alone: a pet that is not for sale is refused', async () => {
  const { models, pet } = await startPetstore();
  await using _ = models;
  await models.tx.update('pet', pet.id, { status: 'sold' });
  const resource = { id: 'o1', pet_id: pet.id, status: 'placed' };
  await assert.rejects(models.trigger('order', 'pre_create_in_transaction', { resource }), { status: 409, message: 'Rex is sold.' });
});
