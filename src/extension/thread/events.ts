import type { Outbox } from '../../runtime/thread/outbox.ts';
import { currentRequest } from '../../runtime/thread/requests.ts';
import type { Stacks } from '../../runtime/thread/stack.ts';
import { SLOT } from '../../runtime/wire.ts';
import { CHANGE, FAILURE, FROM_THREAD, LEFTOVERS, NEW_RESPONSE, TRACKED } from '../wire.ts';
import type { Environment, Handler } from './environment.ts';
import { isGohanException, readGohanThrow, readModuleThrow, type Thrown, throwResponseCode } from './exceptions.ts';
import { createModuleContext, type ModuleContextOptions } from './module-context.ts';
import { type Run, Unread } from './run.ts';
import type { EventContext } from './types.ts';

/** What running events needs of its thread. */
export interface EventsOptions extends ModuleContextOptions {
  readonly outbox: Outbox;
  readonly stacks: Stacks;
  readonly shared: Int32Array;
  /** Runs `work` as part of the event. */
  within<T>(run: Run, work: () => T): T;
}

/** Runs the handlers of events, in order, and tells the gateway how they ended. */
export class Events {
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** Starts an event: without modules in its environment it has ended when this returns. */
  start(run: Run, environment: Environment): void {
    const { context } = run.box;
    const response = context['response'];
    currentRequest.run(run, () => {
      try {
        environment.load();
        environment.decorate(context);
        if (environment.handlers(run.event).some(({ code }) => code.style === 'module')) {
          this.#runAsync(run, environment).then(
            (failure) => this.#end(run, response, failure),
            (thrown: unknown) => this.#failed(run, { thrown, read: readGohanThrow }),
          );
          return;
        }
        this.#sync(run, () => environment.runScripts(run.event, context));
      } catch (thrown) {
        return this.#failed(run, { thrown, read: readGohanThrow });
      }
      this.#end(run, response, undefined);
    });
  }

  async #runAsync(run: Run, environment: Environment): Promise<Failure | undefined> {
    const { context } = run.box;
    let moduleContext: EventContext | undefined;
    let exception: Failure | undefined;
    for (const handler of environment.handlers(run.event)) {
      if (run.isDead) return undefined;
      if (handler.code.style === 'module') {
        moduleContext ??= createModuleContext(run, this.#options);
        const failure = await this.#module(run, environment, handler, moduleContext);
        if (failure !== undefined) return failure;
      } else {
        try {
          this.#sync(run, () => environment.callScript(handler, context));
        } catch (thrown) {
          if (!isGohanException(thrown)) throw thrown;
          exception = { thrown, read: readGohanThrow };
        }
      }
    }
    return exception;
  }

  async #module(run: Run, environment: Environment, handler: Handler, context: EventContext): Promise<Failure | undefined> {
    try {
      await this.#sync(run, () => environment.call(handler, context));
      throwResponseCode(context);
      return undefined;
    } catch (thrown) {
      return { thrown, read: readModuleThrow };
    }
  }

  #sync<T>(run: Run, work: () => T): T {
    const { shared, within } = this.#options;
    const before = shared[SLOT.current] as number;
    shared[SLOT.current] = run.inv;
    try {
      return within(run, work);
    } finally {
      shared[SLOT.current] = before;
    }
  }

  #end(run: Run, responseBefore: unknown, failure: Failure | undefined): void {
    if (failure === undefined) this.#done(run, responseBefore);
    else this.#failed(run, failure);
  }

  #done(run: Run, responseBefore: unknown): void {
    const { context, texts } = run.box;
    const items: unknown[] = [FROM_THREAD.done, run.inv, 0];
    let mask = 0;
    // Who reads a value puts it in the place of its text.
    let hasNewResponse = run.hasSetResponse || (context['response'] !== responseBefore && !(responseBefore instanceof Unread));
    try {
      for (const [at, key] of TRACKED.entries()) {
        const text = textOf(context[key]);
        if (text === undefined) {
          texts[at] = undefined;
          continue;
        }
        const isSame = text === texts[at];
        mask |= (isSame ? CHANGE.same : CHANGE.changed) << (2 * at);
        if (isSame) continue;
        texts[at] = text;
        items.push(text);
        if (key === 'response') hasNewResponse = true;
      }
    } catch (thrown) {
      return this.#failed(run, { thrown, read: readGohanThrow });
    }
    if (hasNewResponse && context['response'] !== undefined) mask |= NEW_RESPONSE;
    if (run.abort !== undefined || (run.timers !== undefined && run.timers.size > 0)) mask |= LEFTOVERS;
    items[2] = mask;
    this.#put(items);
  }

  #failed(run: Run, { thrown, read }: Failure): void {
    let found: Thrown;
    try {
      found = read(thrown);
    } catch (error) {
      found = readGohanThrow(error);
    }
    const { kind, exception, status, message, body, call } = found;
    delete run.box.context['response_code'];
    run.box.context['exception'] = { name: exception, message };
    run.box.context['exception_message'] = message;
    // What is thrown has no place in the code then: why it is no answer is worth more.
    const reason = kind === FAILURE.defect && isGohanException(thrown) ? `${message}; ` : '';
    const text = `${reason}${this.#options.stacks.describe(thrown)}`;
    this.#put([FROM_THREAD.failed, run.inv, kind, exception, status, message, body, call, text]);
  }

  /** A waiting thread does not turn its event loop: what is nested in its call is told at once. */
  #put(items: readonly unknown[]): void {
    const { outbox, gateway } = this.#options;
    outbox.put(...items);
    if (gateway.isWaiting) outbox.flush();
  }
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return value instanceof Unread ? value.text : JSON.stringify(value);
}

/** What a handler threw, and how it is to be understood. */
interface Failure {
  readonly thrown: unknown;
  readonly read: (thrown: unknown) => Thrown;
}
