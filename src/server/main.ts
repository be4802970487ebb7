import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { createClosing } from './closing.ts';
import type { Gateway, GatewayLog } from './gateway.ts';
import { startLocalGateway } from './local-gateway.ts';
import { createLog, type Log } from './log.ts';
import { toLogOptions } from './options.ts';
import { createPidFile } from './pid-file.ts';
import { boundRegularExpressions, surviveBugs } from './process-rules.ts';
import { isSuccessor, joinPredecessor, type Predecessor } from './supervisor/predecessor.ts';
import { toWorkerCount } from './worker-count.ts';

export interface RunOptions {
  /** The configuration file; undefined: looked for in the environment and the working directory. */
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Runs a gateway until a signal ends it or another process takes over. Rejects, with nothing left running, when the configuration is wrong or a part cannot start. */
export async function runServer(options: RunOptions): Promise<void> {
  const predecessor = isSuccessor(process) ? joinPredecessor(process) : undefined;
  try {
    await runWith(options, predecessor);
  } catch (error) {
    await predecessor?.fail(error);
    throw error;
  }
}

async function runWith(options: RunOptions, predecessor: Predecessor | undefined): Promise<void> {
  const startedAt = performance.now();
  const source = { env: options.env, cwd: options.cwd, ...(options.configPath !== undefined && { path: options.configPath }) };
  const loaded = loadSettings(source);
  const { settings } = loaded;
  const workers = toWorkerCount(settings);
  const log = createChangingLog(settings, workers > 0);
  const closing = createClosing();
  surviveBugs();
  boundRegularExpressions();
  observe({ type: 'server.starting', version: VERSION, node: process.version, config: loaded.path });
  for (const warning of loaded.warnings) observe({ type: 'warning', text: warning });
  try {
    const gateway =
      workers === 0
        ? await startLocalGateway({ loaded, source, log, predecessor })
        : await (await import('./supervisor/supervisor.ts')).startSupervisor({ loaded, source, log, predecessor });
    if (settings.pidFile !== undefined) closing.add(createPidFile(settings.pidFile));
    await predecessor?.serving();
    const reason = await endOfService(gateway);
    await gateway.close(reason);
    observe({ type: 'server.stopped', durationMs: performance.now() - startedAt });
  } catch (error) {
    throw withPlace(error, loaded);
  } finally {
    await closing.close();
    log.close();
  }
}

/** A log whose settings may change while it is written; several processes write to its output when there are workers. */
function createChangingLog(first: Settings, sharesOutput: boolean): GatewayLog & { close(): void } {
  const open = (settings: Settings): Log => createLog({ ...toLogOptions(settings), sharesOutput });
  let log = open(first);
  let before = 0;
  return {
    dropped: () => before + log.dropped(),
    change(settings) {
      before += log.dropped();
      log.close();
      log = open(settings);
    },
    close: () => log.close(),
  };
}

/** Says where in the configuration the key stands that a listener could not be opened for. */
function withPlace(error: unknown, { placeOf }: LoadedSettings): unknown {
  if (!(error instanceof SekishoError) || error.code !== 'LISTEN_FAILED') return error;
  const key = error.errors[0]?.pointer;
  return key === undefined ? error : new SekishoError(error.code, `${placeOf(key)} ${error.message}`, { cause: error });
}

/**
 * Resolves with what asks the process to end: a signal, of which a second one ends it at once, or a process that has taken over. Meanwhile SIGHUP reads the configuration
 * again, and SIGUSR2 hands over to the program on the disk.
 */
async function endOfService(gateway: Gateway): Promise<string> {
  const on = (signal: NodeJS.Signals, act: () => Promise<unknown> | void): (() => void) => {
    const listener = async (): Promise<void> => {
      try {
        await act();
      } catch (error) {
        observe({ type: 'error', error: toSekishoError(error), where: `${signal} (what was served before is served on)` });
      }
    };
    const handler = (): void => void listener();
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  };
  const off = [on('SIGHUP', () => gateway.reload()), on('SIGUSR2', () => gateway.upgrade())];
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(3));
      });
    }
  });
  const reason = await Promise.race([signalled, gateway.handedOver.then(() => 'another process has taken over')]);
  for (const stop of off) stop();
  // A late signal must not end the process before its requests are done.
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => undefined);
  return reason;
}
