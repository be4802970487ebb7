import type { AdminAnswer, AdminRequest } from './admin-call.ts';
import type { FlagName, Flags, OutputFormat } from './flags.ts';
import type { CliIo } from './io.ts';
import type { CliKind } from './kinds.ts';

/** What a command gets. */
export interface CommandContext {
  /** The words after the command's own. */
  readonly words: readonly string[];
  readonly flags: Flags;
  /** The flags that stand on the command line itself. */
  readonly given: ReadonlySet<FlagName>;
  readonly io: CliIo;
  /** Calls the admin API that the flags name; see `callAdmin`. */
  call(request: AdminRequest): Promise<AdminAnswer>;
  /** Prints a value in the format of `--output`, else in `fallback`. */
  print(value: unknown, fallback?: OutputFormat): Promise<void>;
}

/** Runs a command; resolves to its exit code (0, or 1 for "no"). Rejects with a `Failure`. */
type Run = (context: CommandContext) => Promise<number>;
type EntityRun = (kind: CliKind, context: CommandContext) => Promise<number>;

/** A key that a command takes as `key=value`. */
interface CommandKey {
  readonly name: string;
  readonly required?: boolean;
  readonly help: string;
}

/** One command: the source of dispatch, help, completion and the reference page. `load` imports its code only when it runs. */
export interface CommandSpec {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly usage: string;
  readonly summary: string;
  readonly details?: string;
  readonly keys?: readonly CommandKey[];
  /** Fixed words that may follow. */
  readonly words?: readonly string[];
  /** Everything behind its name are its own words, those with dashes too: the flags of the others do not exist for it. */
  readonly hasOwnFlags?: true;
  /** Environment variables that it reads, and what they are. */
  readonly variables?: readonly (readonly [names: string, help: string])[];
  readonly example: string;
  load(): Promise<Run>;
}

/** One of the verbs that every kind of entity has. */
export interface VerbSpec {
  readonly name: string;
  readonly alias: string;
  summary(kind: CliKind): string;
  load(): Promise<EntityRun>;
}
