import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// The entry of a worker process; `spawnWorker` starts it. As in src/cli/main.ts: only in the package's own folder.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/sekisho', import.meta.url)));

const { runWorker } = await import('./worker.ts');
runWorker(process);
