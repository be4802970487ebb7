import type { RequestHandler } from '@sekisho/sdk';
import { ask } from './lib/backends';

/** Asks all backends at the same time; one that fails leaves its part null. */
export const requestHandler: RequestHandler = async (ctx) => {
  const user = encodeURIComponent(ctx.pathParam('user'));
  const parts = { profile: `/users/${user}`, orders: `/orders?user=${user}`, broken: `/?wait=nonsense` };
  const answers = await Promise.allSettled(Object.values(parts).map((path) => ask(path)));
  const merged = Object.keys(parts).map((name, i) => {
    const answer = answers[i];
    return [name, answer?.status === 'fulfilled' ? answer.value : null];
  });
  ctx.response().json(Object.fromEntries(merged));
};
