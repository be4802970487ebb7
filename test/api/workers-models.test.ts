import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';
import { readWorkers, untilServing } from '../support/workers.ts';

const EXTENSIONS = `extensions:
- id: stamp
  path: /t/things
  code_type: typescript
  code: |
    export const preCreate = (context) => { context.resource.name += '!' }
`;
const file = (properties: readonly string[], more = ''): string => `schemas:\n${schema('thing', properties)}\n${EXTENSIONS}${more}`;
const NAME = property('name', 'string');
const TIMES = 12;

onEveryDatabaseServing(
  file([NAME]),
  ({ api, make, gateway }) => {
    /** The same question on fresh connections, which reach every worker. */
    const askAll = async (path: string): Promise<readonly string[]> => {
      const answers = await Promise.all(Array.from({ length: TIMES }, () => api('GET', path)));
      return [...new Set(answers.map(({ status, text }) => `${status} ${status === 200 ? text : ''}`))];
    };

    test('both workers serve the same rows and run the extensions', async () => {
      await untilServing(gateway());
      for (let i = 0; i < TIMES; i += 1) await make('/t/things', { id: `t${i}`, name: 'x' });
      assert.deepEqual(
        await askAll('/t/things/t3'),
        ['200 {"thing":{"id":"t3","name":"x!"}}\n'.trim()].map((text) => text),
      );
      assert.equal((await api('GET', '/t/things')).json().things.length, TIMES);
    });

    test('schema files are followed by all of them or none; a worker that starts while they are wrong begins with the last good ones', async () => {
      gateway().write('schemas.yaml', file([NAME, property('size', '[integer, "null"]')]));
      await until('the new column is there', async () => (await api('GET', '/t/things/t3')).text.includes('size'));
      await until('in every worker', async () => (await askAll('/t/things/t3')).length === 1);

      gateway().write('schemas.yaml', file([property('name', 'strange')]));
      await until('the invalid file is told', () => gateway().log().includes('SCHEMA_INVALID'));
      const refused = await gateway().admin('POST', '/api/v1/reload');
      assert.equal(refused.json().code, 'SCHEMA_INVALID');
      const [victim] = await untilServing(gateway());
      assert.ok(victim !== undefined);
      process.kill(victim.pid, 'SIGKILL');
      await until('another serves', async () => {
        const [next] = await readWorkers(gateway());
        return next?.state === 'serving' && next.pid !== victim.pid;
      });
      assert.deepEqual((await askAll('/t/things/t3')).length, 1);
      assert.match((await askAll('/t/things/t3'))[0] ?? '', /^200 .*"size":null/);

      gateway().write('schemas.yaml', file([NAME, property('size', '[integer, "null"]'), property('hue', '[string, "null"]')]));
      await until('the repaired file is served', async () => (await api('GET', '/t/things/t3')).text.includes('hue'));
      await until('in every worker', async () => (await askAll('/t/things/t3')).length === 1);
    });
  },
  { workers: 2, log_level: 'info', access_log: false },
);
