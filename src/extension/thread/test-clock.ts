/** Makes `Date` of a realm stand at the time that a test has set, in milliseconds; while that is NaN, it goes as ever. */
export function installTestClock(global: Record<string, unknown>, time: Float64Array): void {
  const RealDate = global['Date'] as DateConstructor;
  const now = (): number => {
    const [set = Number.NaN] = time;
    return Number.isNaN(set) ? RealDate.now() : set;
  };
  const TestDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
  });
  // `new Date().constructor` is to be the same.
  RealDate.prototype.constructor = TestDate;
  Object.defineProperty(global, 'Date', { value: TestDate, writable: true, configurable: true, enumerable: false });
}
