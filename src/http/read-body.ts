import { SekishoError } from '../lib/errors.ts';
import type { Exchange } from './exchange.ts';

/**
 * The whole body of a request, empty when it has none. Rejects with what `tooLarge` makes as soon as the body is known to be longer than `maxBytes`,
 * and with CLIENT_CLOSED when the client goes away before it is complete.
 */
export async function readWholeBody(exchange: Exchange, maxBytes: number, tooLarge: () => SekishoError): Promise<Buffer> {
  const { body } = exchange;
  if (body === undefined) return Buffer.alloc(0);
  if ((exchange.contentLength ?? 0) > maxBytes) throw tooLarge();
  // What was cut off would else be waited for.
  exchange.onAbort(() => body.destroy());
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (!exchange.aborted) throw error;
  }
  // A destroyed body may end without an error.
  if (exchange.aborted) throw new SekishoError('CLIENT_CLOSED', 'The client went away before its body was complete.');
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
