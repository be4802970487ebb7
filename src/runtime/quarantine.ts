/** Counts kills of a program. `kill` says whether it is now in quarantine, which lasts until `release`. */
export interface Quarantine {
  readonly active: boolean;
  readonly kills: number;
  readonly lastKill: { readonly at: string; readonly reason: string } | undefined;
  /** Pause before the next thread is started: none after a first kill, then doubling. */
  readonly backoffMs: number;
  kill(reason: string): boolean;
  release(): void;
}

const FIRST_BACKOFF_MS = 25;
const MAX_BACKOFF_MS = 1000;

export function createQuarantine(maxKills: number, windowMs: number): Quarantine {
  let recent: number[] = [];
  let kills = 0;
  let active = false;
  let lastKill: Quarantine['lastKill'];
  const withinWindow = (): number[] => recent.filter((at) => at > Date.now() - windowMs);
  return {
    get active() {
      return active;
    },
    get kills() {
      return kills;
    },
    get lastKill() {
      return lastKill;
    },
    get backoffMs() {
      const count = withinWindow().length;
      return count < 2 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 2));
    },
    kill(reason) {
      const at = Date.now();
      kills += 1;
      lastKill = { at: new Date(at).toISOString(), reason };
      recent = [...withinWindow(), at];
      active ||= recent.length >= maxKills;
      return active;
    },
    release() {
      active = false;
      recent = [];
    },
  };
}
