import type { HttpAnswer, HttpCall } from '../host-calls.ts';

/** A `fetch` for threads under test: every call goes the way of Gohan's scripts, where the test answers it. */
export function createTestFetch(ask: (call: HttpCall) => Promise<HttpAnswer>): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const text = await request.text();
    const { status, statusText, headers, setCookies, body } = await ask({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: text === '' ? undefined : text,
      timeoutMs: undefined,
      follow: request.redirect === 'follow',
    });
    const fields = new Headers(headers);
    for (const cookie of setCookies) fields.append('set-cookie', cookie);
    return new Response([101, 204, 205, 304].includes(status) ? null : body, { status, statusText, headers: fields });
  };
}
