import type { ActionContext, EventContext } from '@sekisho/sdk/extension';
import { ResponseError } from 'sekisho/extension';
import type { Schemas } from './schemas.ts';

/** Who comes first gets the pet: its row is locked until the order is stored or refused. */
export const preCreateInTransaction = async (context: EventContext<Schemas, 'order', 'preCreateInTransaction'>) => {
  const pet = await context.tx.lock('pet', context.resource.pet_id);
  if (pet.status !== 'available') throw new ResponseError(409, `${pet.name} is ${pet.status}.`);
  await context.tx.update('pet', pet.id, { status: 'pending' });
};

/** The pet follows its order: delivered, it is sold; cancelled, it can be bought again. */
export const preUpdateInTransaction = async (context: EventContext<Schemas, 'order', 'preUpdateInTransaction'>) => {
  const { id, pet_id, status } = context.resource;
  const before = await context.tx.fetch('order', id);
  if (before.status === status) return;
  if (status === 'delivered') await context.tx.update('pet', pet_id, { status: 'sold' });
  if (status === 'cancelled') await context.tx.update('pet', pet_id, { status: 'available' });
};

/** The action: as if the caller had changed the order, with its policies and events. */
export const cancel = async (context: ActionContext<Schemas, 'order', 'cancel'>) => {
  const { reason } = context.input;
  context.response = await context.model.update('order', context.id, {
    status: 'cancelled',
    ...(reason !== undefined && { note: `cancelled: ${reason}` }),
  });
};
