/** The names under which the last script of an environment under test finds what describes and runs its tests. */
export const TEST_HOOKS = { describe: '__describeTests', run: '__runTest' } as const;
