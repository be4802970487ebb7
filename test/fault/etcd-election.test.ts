import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEtcd, useEtcd } from '../support/etcd.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { until } from '../support/until.ts';

const KEY = '/office';

interface Candidate {
  readonly name: string;
  readonly process: ChildProcess;
  readonly lines: string[];
}

function startCandidate(endpoints: readonly string[], name: string): Candidate {
  const script = join(REPOSITORY, 'test/fault/etcd-candidate-writer.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, endpoints.join(','), KEY, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  child.stdin?.on('error', () => undefined);
  return { name, process: child, lines };
}

const beliefs = (candidate: Candidate): bigint[] =>
  candidate.lines.filter((line) => line.startsWith('believes ')).map((line) => BigInt(line.slice('believes '.length)));

const terms = (candidate: Candidate): number[] =>
  candidate.lines.filter((line) => line.startsWith('leads ')).map((line) => Number(line.slice('leads '.length)));

test('a leader that is stopped past its lease and continued does not believe in its office, and its writes are refused', async (t) => {
  await using servers = await startEtcd();
  const candidates = ['a', 'b', 'c'].map((name) => startCandidate(servers.endpoints, name));
  try {
    const known = new Set<number>();
    const nextLeader = (but?: Candidate) =>
      until('a new term', () => candidates.find((candidate) => candidate !== but && terms(candidate).some((term) => !known.has(term))));
    for (let round = 0; round < 3; round += 1) {
      const leader = await nextLeader();
      const begun = process.hrtime.bigint();
      await until('it believes', () => beliefs(leader).filter((at) => at > begun).length > 20);
      // A busy machine may have let a lease run out before.
      for (const term of candidates.flatMap(terms)) known.add(term);
      leader.process.kill('SIGSTOP');
      const stoppedAt = process.hrtime.bigint();
      const other = await nextLeader(leader);
      // Something waits at its socket when it wakes up.
      leader.process.stdin?.write('look\n');
      leader.process.kill('SIGCONT');
      const end = `lost ${terms(leader).at(-1)}`;
      await until('it knows', () => leader.lines.includes(end));
      const [since = 0n] = beliefs(other)
        .toSorted((a, b) => Number(a - b))
        .filter((at) => at > stoppedAt);
      assert.deepEqual(
        // Not what it believes in a later term.
        beliefs({ ...leader, lines: leader.lines.slice(0, leader.lines.indexOf(end)) }).filter((at) => at >= since),
        [],
        'two leaders at once',
      );
    }
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const writes = (await etcd.range({ prefix: `${KEY}-log/` })).kvs.toSorted((a, b) => a.modRevision - b.modRevision);
    const written = writes.map((kv) => Number(kv.value.toString()));
    assert.deepEqual(
      written,
      written.toSorted((a, b) => a - b),
      'an old term wrote after a new one began',
    );
    t.diagnostic(`${written.length} writes in ${new Set(written).size} terms`);
  } finally {
    for (const candidate of candidates) candidate.process.kill('SIGKILL');
  }
});
