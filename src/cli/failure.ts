/** Exit codes of the command line: 1 the server said no or is not there, 2 the command line, a file or the configuration is wrong. */
export type FailureExit = 1 | 2;

/** Ends a command: `message` goes to stderr (it may have several lines), `exit` is the exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: FailureExit;

  constructor(exit: FailureExit, message: string) {
    super(message);
    this.exit = exit;
  }
}

/** The words or flags of the user are wrong; `problems` are printed one per line. */
export function usageFailure(...problems: readonly string[]): Failure {
  return new Failure(2, problems.join('\n'));
}
