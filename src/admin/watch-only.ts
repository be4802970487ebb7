import { SekishoError, toProblem } from '../lib/errors.ts';
import type { AdminAnswer, AdminRequest } from './route.ts';
import type { AdminOptions } from './types.ts';

/**
 * What a watch-only node answers to a change: 307 to a node that takes it, as DGate's did, so that clients that follow send it there; the body says the same
 * to people. Throws ADMIN_WATCH_ONLY (403) when no such node is known.
 */
export async function redirectChange({ exchange }: Pick<AdminRequest, 'exchange'>, { cluster }: AdminOptions): Promise<AdminAnswer> {
  const writer = await cluster?.writer().catch(() => undefined);
  if (writer === undefined)
    throw new SekishoError(
      'ADMIN_WATCH_ONLY',
      'this node takes no changes (admin.watch_only), and no node is known that does: they run with storage.type etcd and admin.advertise',
    );
  const error = new SekishoError('ADMIN_WATCH_ONLY', `this node takes no changes (admin.watch_only); send it to ${writer}`);
  return {
    status: 307,
    json: { ...toProblem(error), status: 307 },
    contentType: 'application/problem+json',
    headers: ['Location', `${writer.replace(/\/$/, '')}${exchange.target}`],
  };
}
