import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Only in the package's own folder: a cache in a folder that others may write to could bring in their code.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/sekisho', import.meta.url)));

const { runCli } = await import('./run.ts');
const { toProcessIo } = await import('./process-io.ts');
// Not process.exit: what was printed must reach a pipe first.
process.exitCode = await runCli(process.argv.slice(2), toProcessIo());
