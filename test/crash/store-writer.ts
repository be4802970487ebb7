import { createThreadedFileStore } from '../../src/store/threaded-file-store.ts';

/** Writes into the store of the folder argv[2] for ever, beginning with number argv[3]; prints `i` of every write that was acknowledged. */
const store = await createThreadedFileStore({ dir: process.argv[2] ?? '', historyLimit: 50 });
await store.load();
process.stdout.write('open\n');
for (let i = Number(process.argv[3]); ; i += 1) {
  const name = `n${i}`;
  await store.put(
    [
      { op: 'put', kind: 'namespace', entity: { name } },
      { op: 'put', kind: 'secret', entity: { name, namespace: name, data: `secret ${i} ${'x'.repeat(i % 3000)}` } },
    ],
    { author: 'writer' },
  );
  await store.documents.put('a', 'c', name, { i });
  process.stdout.write(`${i}\n`);
}
