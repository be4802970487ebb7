import type { SideWork } from './beside.ts';
import { pause } from './pause.ts';
import { createWake } from './wake.ts';

/** Repairs what a gap in a source may have left behind, until that succeeded once after the last gap. */
export interface GapRepair extends SideWork {
  onGap(): void;
}

export function createGapRepair(repair: () => Promise<void>, pauseMs: number): GapRepair {
  const wake = createWake();
  const state = { gaps: 0 };
  return {
    what: 'the resynchronisation after a gap',
    onGap() {
      state.gaps += 1;
      wake.ring();
    },
    async wait(signal) {
      while (state.gaps === 0 && !signal.aborted) await wake.wait(pauseMs, signal);
      // One that failed is not tried at once again.
      await pause(pauseMs, signal);
    },
    async run() {
      const { gaps } = state;
      await repair();
      state.gaps -= gaps;
    },
  };
}
