import { readFileSync } from 'node:fs';
import type { Gateway } from './gateway.ts';
import { startGateway } from './gateway.ts';
import { REPOSITORY } from './source-files.ts';

const FILES = ['schemas/petstore.yaml', 'schemas/base.yaml', 'schemas/policies.yaml', 'extensions/order.ts'];

/** The petstore of the examples in a copy of its folder, on free ports and an empty database. */
export function startPetstore(): Promise<Gateway> {
  const read = (name: string): string => readFileSync(`${REPOSITORY}/examples/petstore/${name}`, 'utf8');
  return startGateway({ config: read('sekisho.yaml'), files: Object.fromEntries(FILES.map((name) => [name, read(name)])) });
}
