import type { ErrorHandler } from '@sekisho/sdk';

/** Answers instead of the gateway's 502. `error.code` says what failed, e.g. UPSTREAM_CONNECT or UPSTREAM_TIMEOUT. */
export const errorHandler: ErrorHandler = (ctx, error) => {
  console.warn(`${ctx.route().name}: ${error.message}`);
  const answer = ctx.response().status(503);
  answer.headers.set('Retry-After', 5);
  if (ctx.request().headers.get('Accept').includes('text/html')) {
    answer.headers.set('Content-Type', 'text/html; charset=utf-8');
    return answer.send('<h1>We will be back soon</h1>');
  }
  return answer.json({ error: 'the service is down', code: error.code });
};
