import type { HostCallName } from '../host-calls.ts';
import type { Engine } from './engine.ts';
import type { Environment } from './environment.ts';
import type { Realm } from './realm.ts';
import { TRANSACTION } from './run.ts';
import type { EventContext, GohanHandler, GohanThread } from './types.ts';

/** Changes the code of scripts that load later. */
export type LoadTransform = (code: string, path: string) => string;

/** What the built-ins of one environment are given. */
export interface GohanThreadOptions {
  readonly environment: Environment;
  readonly engine: Engine;
  readonly realm: Realm;
  register(event: string, handler: GohanHandler): void;
  onLoad(transform: LoadTransform): void;
  onContext(decorate: (context: EventContext) => void): void;
}

export function createGohanThread({ environment, engine, realm, ...hooks }: GohanThreadOptions): GohanThread {
  const runIn = (one: Environment, event: string, context: EventContext): void => {
    one.load();
    one.decorate(context);
    one.runScripts(event, context);
  };
  return {
    environment: environment.name,
    get event() {
      return engine.run?.event ?? '';
    },
    get requestId() {
      return engine.run?.session.id ?? '';
    },
    get file() {
      return environment.current?.file;
    },
    npmPath: engine.npmPath,
    env: engine.env,
    transaction: TRANSACTION,
    isTesting: engine.clock !== undefined,
    global: realm.global,
    evaluate: realm.evaluate,
    compileFunction: realm.compileFunction,
    call: (name: HostCallName, ...args: unknown[]) =>
      engine.gateway.callSync(engine.run?.inv ?? 0, name, args, realm.parse, realm.toError) as never,
    withContext(context, work) {
      const { run } = engine;
      if (run === undefined) return work();
      const before = run.around;
      run.around = context === run.box.context ? undefined : context;
      try {
        return work();
      } finally {
        run.around = before;
      }
    },
    register: hooks.register,
    handle: (event, context) => runIn(environment, event, context),
    trigger(event, context) {
      for (const one of engine.environments()) if (one.hasScripts) runIn(one, event, context);
    },
    onLoad: hooks.onLoad,
    onContext: hooks.onContext,
    log: (level, module, text) => engine.log(level, environment.name, module, engine.run?.session.id ?? '', text),
  };
}
