import type { RequestModifier } from '@sekisho/sdk';
import { timingSafeEqual } from 'sekisho/crypto';
import { getSecret } from 'sekisho/secrets';

/** Lets only requests pass that carry the key, and keeps the key from the upstream. */
export const requestModifier: RequestModifier = async (ctx) => {
  const { headers } = ctx.request();
  const key = await getSecret('api-key');
  if (key === null) throw new Error('the secret api-key is missing');
  if (!timingSafeEqual(headers.get('X-Api-Key'), key)) {
    ctx.response().headers.set('WWW-Authenticate', 'ApiKey');
    return ctx.response().status(401).json({ error: 'a valid X-Api-Key is needed' });
  }
  return headers.del('X-Api-Key');
};
