/** Loaded into a process that is measured (`--import`, with `--expose-gc`): SIGWINCH collects all garbage, so that its used heap is what lives. */
process.on('SIGWINCH', () => globalThis.gc?.());
