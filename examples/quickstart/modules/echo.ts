import type { Context } from '@sekisho/sdk';

/** Runs when the service has answered, before the client sees the answer. */
export const responseModifier = (ctx: Context) => {
  ctx.upstream().headers.set('x-sekisho', 'hello');
};
