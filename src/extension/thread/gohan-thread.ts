import type { HostCallName, TransactionHandle } from '../host-calls.ts';
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
  let callCount = 0;
  const call = (name: HostCallName, ...args: unknown[]): unknown => {
    callCount += 1;
    return engine.gateway.callSync(engine.run?.inv ?? 0, name, args, realm.parse, realm.toError);
  };
  const withContext: GohanThread['withContext'] = (context, work) => {
    const { run } = engine;
    if (run === undefined) return work();
    const before = run.around;
    run.around = context === run.box.context ? undefined : context;
    try {
      return work();
    } finally {
      run.around = before;
    }
  };
  /** Scripts run at once; what is asynchronous runs while this thread waits, elsewhere. */
  const runIn = (all: readonly Environment[], event: string, context: EventContext, transaction: TransactionHandle | undefined): void => {
    const others: string[] = [];
    for (const one of all) {
      if (one.hasScripts) one.load();
      if (!one.hasScripts || one.handlers(event).some(({ code }) => code.style === 'module')) {
        others.push(one.name);
        continue;
      }
      engine.use(one);
      one.decorate(context);
      one.runNested(event, context);
    }
    if (others.length > 0)
      Object.assign(
        context,
        withContext(context, () => call('event.trigger', event, others, transaction)),
      );
  };
  return {
    environment: environment.name,
    get event() {
      return environment.event;
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
    call: call as GohanThread['call'],
    get callCount() {
      return callCount;
    },
    register: hooks.register,
    withContext,
    handle: (event, context, transaction) => runIn([environment], event, context, transaction),
    trigger: (event, context, transaction) => runIn(engine.environments(), event, context, transaction),
    onLoad: hooks.onLoad,
    onContext: hooks.onContext,
    log: (level, module, text) => engine.log(level, environment.name, module, engine.run?.session.id ?? '', text),
  };
}
