import type { FetchUpstream } from '@sekisho/sdk';
import { createHash } from 'sekisho/crypto';

/** Picks the upstream by a hash of the client's address, so that a client stays where its session is. */
export const fetchUpstream: FetchUpstream = (ctx) => {
  const { urls } = ctx.service();
  const client = ctx.request().headers.get('X-Client') || ctx.request().remoteAddress;
  const hash = Number.parseInt(createHash('sha1').update(client).digest('hex').slice(0, 8), 16);
  const index = hash % urls.length;
  ctx.response().headers.set('X-Picked', `${index + 1} of ${urls.length}`);
  return urls[index] as string;
};
