import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { Exchange } from '../../src/http/exchange.ts';
import type { ResourceApi } from '../../src/resource/api.ts';
import type { RequestNote } from '../../src/resource/types.ts';

/** Writes to a resource API without a listener; gives the body of the answer. `path` may have a query; an array is sent as JSON Patch. */
export function askApi(
  api: ResourceApi,
  method: string,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const [plain = '', query = ''] = path.split('?');
    const contentType = Array.isArray(body)
      ? 'application/json-patch+json'
      : method === 'PATCH'
        ? 'application/merge-patch+json'
        : 'application/json';
    const note = { route: '', pattern: '', status: 0, id: 'test' } as RequestNote;
    const exchange: Partial<Exchange> = {
      method,
      path: plain,
      query,
      target: path,
      headers: ['x-auth-token', 'any', 'content-type', contentType],
      body: Readable.from([Buffer.from(JSON.stringify(body))]),
      contentLength: undefined,
      onAbort() {},
      aborted: false,
      headSent: false,
      respond: ({ status }, text) => resolve({ status, body: String(text ?? note.error?.stack ?? '') }),
    };
    assert.ok(api.handle(exchange as Exchange, note), path);
  });
}
