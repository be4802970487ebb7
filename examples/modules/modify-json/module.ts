import type { RequestModifier, ResponseModifier } from '@sekisho/sdk';

interface Order {
  readonly item?: unknown;
  readonly count?: unknown;
}

/** Refuses what is no order, and adds who sent it. A response that is written here is the answer: nothing goes upstream. */
export const requestModifier: RequestModifier = (ctx) => {
  const request = ctx.request();
  let order: Order;
  try {
    order = request.readJson<Order>();
  } catch {
    return ctx.response().status(400).json({ error: 'the body must be JSON' });
  }
  if (typeof order.item !== 'string') return ctx.response().status(422).json({ error: 'item must be a text' });
  request.headers.set('X-Order-Item', order.item);
  return request.writeJson({ ...order, count: order.count ?? 1, from: request.remoteAddress });
};

/** Shows the client only what it needs of the upstream's answer. */
export const responseModifier: ResponseModifier = async (ctx) => {
  const upstream = ctx.upstream();
  const { data } = await upstream.readJson<{ data: { body: string; path: string } }>();
  upstream.headers.set('Cache-Control', 'no-store');
  return upstream.status(201).writeJson({ order: JSON.parse(data.body), path: data.path });
};
