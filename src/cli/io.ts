/** All that a command reaches of the world outside, so that tests can stand in for it. */
export interface CliIo {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Errors go to a terminal: lines may be drawn over. */
  readonly isTerminal?: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Asks on the terminal, without echo; from a pipe, the first line. Rejects with a `Failure` when there is none. */
  readPassword(prompt: string): Promise<string>;
}
