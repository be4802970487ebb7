import type { EventCaller } from '../extension/types.ts';
import { SekishoError } from '../lib/errors.ts';

/** Answers one call of `src/extension/host-calls.ts`; rejects with what the handler is to see. */
export type HostCall = (name: string, args: readonly unknown[], caller: EventCaller) => Promise<unknown>;

/** For gateways that offer nothing but their resources. */
export const refuseHostCall: HostCall = (name) =>
  Promise.reject(new SekishoError('EXTENSION_NOT_ENABLED', `${name} is not offered to extensions here.`));
