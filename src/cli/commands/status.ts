import type { AdminAnswer } from '../admin-call.ts';
import type { CommandContext } from '../command.ts';
import { rejectWords } from '../reject-words.ts';

/** `status`: prints whether the gateway is ready and what it serves. Resolves to 1 when it is not ready. */
export async function status(context: CommandContext): Promise<number> {
  rejectWords(context.words);
  const ready = await context.call({ method: 'GET', path: '/readyz', accept: [503] });
  const details = await context.call({ method: 'GET', path: '/api/v1/status', accept: [404, 503] });
  const isReady = ready.status === 200;
  await context.print({ ready: isReady, ...toFields(ready), ...(details.status === 200 && toFields(details)) }, 'yaml');
  return isReady ? 0 : 1;
}

function toFields(answer: AdminAnswer): Readonly<Record<string, unknown>> {
  const { body } = answer;
  if (typeof body !== 'object' || body === null) return {};
  const fields = 'data' in body ? body.data : body;
  return typeof fields === 'object' && fields !== null ? { ...fields } : {};
}
