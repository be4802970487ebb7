import { type SekishoError, toProblem } from '../lib/errors.ts';
import type { ResponseHead } from './exchange.ts';
import { writeResponseHead } from './response-head-writer.ts';

/** The answer that tells a client about `error` (RFC 9457). */
export function problemHead(error: SekishoError): { readonly head: ResponseHead; readonly body: Buffer } {
  const body = Buffer.from(JSON.stringify(toProblem(error)));
  return { head: { status: error.status, headers: ['Content-Type', 'application/problem+json'] }, body };
}

/** The same as the last bytes of an HTTP/1.1 connection, for a request that never became an exchange. */
export function problemBytes(error: SekishoError): Buffer {
  const { head, body } = problemHead(error);
  const written = writeResponseHead(head, body.length, { isHead: false, version: '1.1', keepAlive: false });
  return Buffer.concat([Buffer.from(written?.text ?? '', 'latin1'), body]);
}
