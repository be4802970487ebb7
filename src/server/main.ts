import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { startGateway } from './gateway.ts';
import { createLog } from './log.ts';
import { toLogOptions } from './options.ts';
import { boundRegularExpressions, surviveBugs } from './process-rules.ts';

export interface RunOptions {
  /** The configuration file; undefined: looked for in the environment and the working directory. */
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Runs a gateway until a signal ends it. Rejects, with nothing left running, when the configuration is wrong or a part cannot start. */
export async function runServer(options: RunOptions): Promise<void> {
  const startedAt = performance.now();
  const source = { env: options.env, cwd: options.cwd, ...(options.configPath !== undefined && { path: options.configPath }) };
  const loaded = loadSettings(source);
  const log = createLog(toLogOptions(loaded.settings));
  surviveBugs();
  boundRegularExpressions();
  observe({ type: 'server.starting', version: VERSION, node: process.version, config: loaded.path });
  for (const warning of loaded.warnings) observe({ type: 'warning', text: warning });
  try {
    const gateway = await startGateway({ loaded, source, log });
    const reason = await endOfService();
    await gateway.close(reason);
    observe({ type: 'server.stopped', durationMs: performance.now() - startedAt });
  } catch (error) {
    throw withPlace(error, loaded);
  } finally {
    log.close();
  }
}

/** Says where in the configuration the key stands that a listener could not be opened for. */
function withPlace(error: unknown, { placeOf }: LoadedSettings): unknown {
  if (!(error instanceof SekishoError) || error.code !== 'LISTEN_FAILED') return error;
  const key = error.errors[0]?.pointer;
  return key === undefined ? error : new SekishoError(error.code, `${placeOf(key)} ${error.message}`, { cause: error });
}

/** Resolves with the signal that asks the process to end; a second one ends it at once. */
function endOfService(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(3));
      });
    }
  });
}
