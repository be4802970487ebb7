import { SekishoError } from '../../src/lib/errors.ts';
import { createThreadedFileStore } from '../../src/store/threaded-file-store.ts';

/** Writes eight changes and documents into the store of the folder argv[2]; prints `ok <n>` for each that was acknowledged, the code for each that failed. */
const codeOf = (error: unknown) => (error instanceof SekishoError ? error.code : String(error));
try {
  const store = await createThreadedFileStore({ dir: process.argv[2] ?? '' });
  for (let i = 0; i < 8; i += 1) {
    const write =
      i % 2 === 0
        ? store.put([{ op: 'put', kind: 'namespace', entity: { name: `n${i}` } }], { author: 'writer' })
        : store.documents.put('a', 'c', `n${i}`, i);
    await write.then(
      () => console.log(`ok ${i}`),
      (error: unknown) => console.log(codeOf(error)),
    );
  }
} catch (error) {
  console.log(codeOf(error));
}
process.exit();
