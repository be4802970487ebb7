/* What extensions import from `sekisho/extension`. */
export { rawResponse } from './raw-response.ts';
export { ResponseError } from './response-error.ts';
