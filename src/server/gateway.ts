import type { Reloaded } from '../admin/types.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import type { SourceOptions } from '../config/source.ts';
import type { Predecessor } from './supervisor/predecessor.ts';

/** A running gateway, whatever its processes are. */
export interface Gateway {
  /** See `ProcessControl`. */
  reload(): Promise<Reloaded>;
  upgrade(): void;
  /** Resolves when another process has taken over: then this one is to be closed. */
  readonly handedOver: Promise<void>;
  /** Stops taking requests, lets those under way finish within the grace, and closes everything. */
  close(reason: string): Promise<void>;
}

export interface GatewayOptions {
  readonly loaded: LoadedSettings;
  /** Where the configuration is read again. */
  readonly source: SourceOptions;
  readonly log: GatewayLog;
  /** The process that this one takes over from. */
  readonly predecessor: Predecessor | undefined;
}

/** The log as far as a gateway changes it. */
export interface GatewayLog {
  /** Lines that were dropped. */
  dropped(): number;
  /** Goes on with these settings. */
  change(settings: LoadedSettings['settings']): void;
}

/** How far the gateway is, as the admin API tells it. */
export interface Life {
  phase: 'starting' | 'ready' | 'stopping';
}
