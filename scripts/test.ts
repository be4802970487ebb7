/**
 * Runs tests: `node scripts/test.ts [kind…] [-- options of node --test, or files]`.
 * Without a kind everything runs. Installs what the chosen tests need (test/support/install.ts). Node's own summary is the last thing printed.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ETCD, ensureInstalled, OPENSSL, type Requirement } from '../test/support/install.ts';
import { MARIADB_SERVER } from '../test/support/mariadb.ts';
import { POSTGRES_SERVER } from '../test/support/postgres.ts';

interface Kind {
  readonly files: readonly string[];
  /** Of those files, only the ones that start (or, false, do not start) database servers or etcd themselves. */
  readonly startsServers?: boolean;
  readonly needs: readonly Requirement[];
}

/** The support files that start servers. */
const SERVERS = /\/support\/(?:counting-link|databases|etcd|fleet|mariadb|postgres|store-fleet|sync|sync-fleet)\.ts'/;

const KINDS: Readonly<Record<string, Kind>> = {
  unit: {
    files: ['src/**/*.test.ts', 'test/support/*.test.ts', 'test/architecture/*.test.ts', 'bench/**/*.test.ts'],
    startsServers: false,
    needs: [OPENSSL],
  },
  servers: {
    files: ['src/**/*.test.ts', 'test/support/*.test.ts'],
    startsServers: true,
    needs: [OPENSSL, POSTGRES_SERVER, MARIADB_SERVER, ETCD],
  },
  api: { files: ['test/api/**/*.test.ts', 'test/cli/**/*.test.ts'], needs: [OPENSSL, POSTGRES_SERVER, MARIADB_SERVER, ETCD] },
  conformance: { files: ['test/conformance/**/*.test.ts'], needs: [OPENSSL] },
  fault: { files: ['test/fault/**/*.test.ts'], needs: [OPENSSL, POSTGRES_SERVER, MARIADB_SERVER, ETCD] },
  crash: { files: ['test/crash/**/*.test.ts'], needs: [POSTGRES_SERVER, MARIADB_SERVER] },
};

/** Of one test. The long forms of fault tests take five minutes; the others wait for conditions, and a busy machine may need long to meet them. */
const TIMEOUT_MS = 330_000;

const args = process.argv.slice(2);
const kinds = args.filter((arg) => arg in KINDS);
const options = args.filter((arg) => arg.startsWith('-') && arg !== '--');
const named = args.filter((arg) => !(arg in KINDS) && !arg.startsWith('-'));
const chosen = (kinds.length > 0 ? kinds : Object.keys(KINDS)).flatMap((name) => KINDS[name] ?? []);
const files = named.length > 0 ? named : [...new Set(chosen.flatMap(filesOf))].toSorted();
if (files.length === 0) {
  console.error(`no tests of the kind ${kinds.join(', ')}`);
  process.exit(1);
}
ensureInstalled([...new Set(chosen.flatMap((kind) => kind.needs))]);

function filesOf({ files: patterns, startsServers }: Kind): readonly string[] {
  const found = globSync([...patterns]);
  return startsServers === undefined ? found : found.filter((file) => SERVERS.test(readFileSync(file, 'utf8')) === startsServers);
}

// Most tests wait for sockets and processes rather than compute, so a little more than the cores keeps them busy.
const concurrency = Math.max(2, Math.min(availableParallelism(), 8));
const node = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TIMEOUT_MS}`,
    ...options,
    ...files,
  ],
  { stdio: 'inherit' },
);
node.on('close', (code) => (process.exitCode = code ?? 1));
