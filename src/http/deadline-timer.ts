const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One timer for many deadlines (milliseconds of `performance.now()`; `Infinity` = none). Owners keep their deadlines themselves and may move them
 * later without telling; when the earliest known one is over, `sweep` is called: it acts on what expired and returns the next deadline.
 * So a deadline costs a comparison per request instead of a timer.
 */
export class DeadlineTimer {
  readonly #sweep: (now: number) => number;
  readonly #fire = (): void => {
    this.#at = Number.POSITIVE_INFINITY;
    this.arm(this.#sweep(performance.now()));
  };
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(sweep: (now: number) => number) {
    this.#sweep = sweep;
  }

  /** Makes sure that `sweep` is called soon after `at`. */
  arm(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(1, Math.ceil(at - performance.now())), LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(this.#fire, delay).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}
