import type { Context } from '@sekisho/sdk';

/** Answers the request by itself: its route has no service. */
export const requestHandler = (ctx: Context) => {
  ctx.response().json({ message: `Hello, ${ctx.pathParam('name')}!` });
};
