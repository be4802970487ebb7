import { availableParallelism } from 'node:os';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toStartFailure } from '../start-failure.ts';

const TYPES = ['js', 'ts'] as const;

/** `test [PATH…]`: runs tests of extensions. Exit code 1 when one fails. Rejects with a `Failure` of exit code 2 when none can run. */
export async function test({ words, flags, io }: CommandContext): Promise<number> {
  const { runTests } = await import('../../server/testing/run-tests.ts');
  const configPath = flagText(flags, 'config');
  const only = toPattern(flagText(flags, 'run-test'));
  const type = flagText(flags, 'type');
  try {
    const isFine = await runTests({
      paths: words,
      cwd: io.cwd,
      env: io.env,
      isVerbose: flags.verbose === true || flags.passed === true,
      parallel: toCount(flagText(flags, 'parallel')),
      types: TYPES.filter((one) => type === undefined || type === one),
      ...(configPath !== undefined && { configPath }),
      ...(only !== undefined && { only }),
      out: io.out,
      err: io.err,
    });
    return isFine ? 0 : 1;
  } catch (error) {
    throw toStartFailure(error);
  }
}

function toPattern(text: string | undefined): RegExp | undefined {
  try {
    return text === undefined ? undefined : new RegExp(text);
  } catch {
    throw usageFailure(`--run-test: found '${text}', which is no regular expression`);
  }
}

function toCount(text: string | undefined): number {
  if (text === undefined) return availableParallelism();
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw usageFailure(`--parallel: found '${text}', allowed is a count from 1`);
}
