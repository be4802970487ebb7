import type { AdminOptions, ExtensionControl, WorkerView } from '../admin/types.ts';
import type { RegistryOptions } from '../store/registry.ts';

/** What serves requests from what the registry gives it: this process itself, or its workers. */
export interface Plane<Built> extends Required<Pick<RegistryOptions<Built>, 'build' | 'discard' | 'swap'>> {
  readonly explain: NonNullable<AdminOptions['explain']>;
  readonly modules: NonNullable<AdminOptions['modules']>;
  /** Of the processes that serve; absent when this one does. */
  readonly extensions?: ExtensionControl;
  /** Requests that are being served now, as far as it is known. */
  inFlight(): number;
  /** The processes that serve; none when this one does. */
  workers(): readonly WorkerView[];
}
