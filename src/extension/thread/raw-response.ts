import { RAW_RESPONSE, type RawResponse } from '../../lib/raw-response.ts';

/** What `context.response` of an action with `has_response_ownership` is, to answer with something else than JSON. Of `sekisho/extension`. */
export function rawResponse(
  body: string | Uint8Array = '',
  { status = 200, headers = {} }: Partial<Pick<RawResponse, 'status' | 'headers'>> = {},
): object {
  const isBytes = typeof body !== 'string';
  const raw: RawResponse = { status, headers, body: isBytes ? Buffer.from(body).toString('base64') : body, isBytes };
  return { [RAW_RESPONSE]: raw };
}
