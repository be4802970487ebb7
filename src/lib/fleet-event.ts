import type { SekishoError } from './errors.ts';

/** What is told about the nodes of a fleet. */
export type FleetEvent =
  /** The other nodes see this one, or not any more. */
  { readonly type: 'fleet.registered'; readonly id: string; readonly isRegistered: boolean; readonly error?: SekishoError };
