/** Key of an action's response that is no JSON to be answered, but an answer as a whole. */
export const RAW_RESPONSE = 'sekisho:raw_response';

/** Such an answer, as JSON. */
export interface RawResponse {
  readonly status: number;
  /** Names to values, as they were given. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  /** `body` is base64 of bytes. */
  readonly isBytes: boolean;
}
