/** Thrown by a handler to answer the request: `new ResponseError(409, 'taken')`, or with a body for a status 200–299. Of `sekisho/extension`. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly status: number;
  /** The whole JSON answer; undefined when there is a text only. */
  readonly body: unknown;

  constructor(status: number, content: unknown = '') {
    super(typeof content === 'string' ? content : '');
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new RangeError(`the status of a ResponseError is an integer from 200 to 599, not ${String(status)}`);
    this.status = status;
    this.body = typeof content === 'string' ? undefined : content;
  }
}
