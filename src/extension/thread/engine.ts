import type { Stacks } from '../../runtime/thread/stack.ts';
import type { Environment } from './environment.ts';
import type { Gateway } from './gateway.ts';
import type { Run } from './run.ts';
import type { LogLevel } from './types.ts';

/** What all environments of a thread share. */
export interface Engine {
  readonly gateway: Gateway;
  readonly stacks: Stacks;
  readonly console: object;
  readonly npmPath: string | undefined;
  /** Environment variables that extensions may see. */
  readonly env: Readonly<Record<string, string>>;
  readonly heapLimitBytes: number;
  /** Under test: the time at which clocks stand, see `installTestClock`. Scripts have the functions of tests then. */
  readonly clock: Float64Array | undefined;
  /** The event whose scripts run now; undefined while an environment loads. */
  readonly run: Run | undefined;
  environments(): readonly Environment[];
  /** An event runs scripts of an environment that is not its own. */
  use(environment: Environment): void;
  /** `require` of modules: the built-in ones. */
  require(name: string): unknown;
  /** Runs `work` as the loading of an environment: outside of any event. */
  loading(environment: Environment, work: () => void): void;
  /** It has loaded. */
  loaded(environment: Environment): void;
  log(level: LogLevel, environment: string, module: string, requestId: string, text: string): void;
}
