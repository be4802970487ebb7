import type { AdminAnswer } from './admin-call.ts';
import { Failure } from './failure.ts';

/** The `data` of an answer's envelope. A `Failure` when the answer has none: then it was no admin API that answered. */
export function toData(answer: AdminAnswer): unknown {
  const { body } = answer;
  if (typeof body === 'object' && body !== null) {
    if ('data' in body) return body.data;
    if ('documents' in body) return body.documents ?? [];
  }
  throw new Failure(1, `${answer.status} from server, but its answer is none of the admin API; is --admin right?`);
}
