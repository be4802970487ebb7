import type { Context } from '@sekisho/sdk';

/** Tells which node answered: the name is in the environment of each. */
export function requestHandler(ctx: Context): void {
  ctx.response().send(`hello from ${process.env['NODE'] ?? 'somewhere'}\n`);
}
