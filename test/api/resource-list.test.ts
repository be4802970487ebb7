import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const SCHEMAS = [
  'schemas:',
  schema('item', [
    property('name', 'string'),
    property('level', '[integer, "null"]'),
    property('price', '[number, "null"]'),
    property('open', 'boolean', 'default: false'),
    property('note', '[string, "null"]'),
  ]),
].join('\n');

const ROWS = [
  { id: 'a', name: 'apple', level: 3, price: 1.5, open: true, note: '50% off' },
  { id: 'b', name: 'banana', level: 1, price: 2.5, note: 'a_b' },
  { id: 'c', name: 'cherry', level: 3, price: 0.5, open: true },
  { id: 'd', name: 'date', level: 2, note: 'axb' },
  { id: 'e', name: 'apple', level: null, price: 10 },
];

onEveryDatabaseServing(
  SCHEMAS,
  ({ api, make, kind }) => {
    before(async () => {
      for (const row of ROWS) await make('/t/items', row);
    });

    const ids = async (query: string): Promise<string> => {
      const answer = await api('GET', `/t/items?${query}`);
      assert.equal(answer.status, 200, answer.text);
      return answer
        .json<{ items: { id: string }[] }>()
        .items.map(({ id }) => id)
        .join('');
    };

    test('rows come by id, with their number', async () => {
      const answer = await api('GET', '/t/items');
      assert.equal(answer.headers['x-total-count'], '5');
      assert.deepEqual(answer.json().items[0], ROWS[0]);
      assert.deepEqual(answer.json().items[3], { id: 'd', name: 'date', level: 2, price: null, open: false, note: 'axb' });
    });

    test('filters: exact, several values, several properties, any of them', async () => {
      assert.equal(await ids('name=apple'), 'ae');
      assert.equal(await ids('id=a&id=c'), 'ac');
      assert.equal(await ids('name=apple&open=true'), 'a');
      assert.equal(await ids('name=date&open=true&any_of=true'), 'acd');
      assert.equal(await ids('level=3'), 'ac');
      assert.equal(await ids('price=2.5'), 'b');
      assert.equal(await ids('open=0'), 'bde');
      assert.equal(await ids('any_of=true&limit=2'), 'ab');
    });

    test('filters: ranges, null and not', async () => {
      assert.equal(await ids('level__gte=2'), 'acd');
      assert.equal(await ids('level__gt=1&level__lt=3'), 'd');
      assert.equal(await ids('price__lte=1.5'), 'ac');
      assert.equal(await ids('level__null=true'), 'e');
      assert.equal(await ids('note__null=false'), 'abd');
      assert.equal(await ids('name__ne=apple&name__ne=date'), 'bc');
      assert.equal(await ids('name__gte=b&name__lt=d'), 'bc');
    });

    test('substrings are taken literally', async () => {
      assert.equal(await ids('search_field=name&name=an'), 'b');
      assert.equal(await ids('search_field=note&note=0%25'), 'a');
      assert.equal(await ids('search_field=note&note=a_b'), 'b');
    });

    test('order: several keys, either direction, nulls first', async () => {
      assert.equal(await ids('sort_key=name&sort_order=desc'), 'dcbae');
      assert.equal(await ids('sort=level:desc,name:asc'), 'acdbe');
      assert.equal(await ids('sort=-level,id:desc'), 'cadbe');
      assert.equal(await ids('sort_key=level'), 'ebdac');
    });

    test('limit and offset, with the total of all', async () => {
      const answer = await api('GET', '/t/items?limit=2&offset=1');
      assert.equal(answer.headers['x-total-count'], '5');
      assert.deepEqual(
        answer.json().items.map(({ id }: { id: string }) => id),
        ['b', 'c'],
      );
      assert.equal(await ids('offset=3'), 'de');
      const none = await api('GET', '/t/items?limit=0');
      assert.deepEqual([none.headers['x-total-count'], none.json()], ['5', { items: [] }]);
    });

    test('pages by token cover every row once, in every order', async () => {
      for (const sort of ['', 'sort=level:asc', 'sort=level:desc', 'sort=name:desc,level:asc', 'sort=price']) {
        const seen: string[] = [];
        let path: string | undefined = `/t/items?page_size=2&${sort}`;
        for (let pages = 0; path !== undefined; pages += 1) {
          assert.ok(pages < 4, sort);
          const answer = await api('GET', path);
          assert.equal(answer.status, 200, answer.text);
          seen.push(...answer.json().items.map(({ id }: { id: string }) => id));
          path = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
        }
        assert.equal(seen.join(''), await ids(sort), sort);
      }
    });

    test('a page token is good for its arguments alone', async () => {
      const first = await api('GET', '/t/items?page_size=2&open=false');
      const token = first.json().next_page_token;
      assert.equal((await api('GET', `/t/items?page_size=1&open=false&page_token=${token}`)).status, 200);
      for (const query of [`open=true&page_token=${token}`, `open=false&page_token=${token.slice(1)}`, `page_token=x`]) {
        const answer = await api('GET', `/t/items?${query}`);
        assert.deepEqual([answer.status, answer.json().code], [400, 'PAGE_TOKEN_INVALID'], query);
      }
    });

    test('counts are left out on request', async () => {
      const none = await api('GET', '/t/items', { headers: { prefer: 'count=none' } });
      assert.equal(none.headers['x-total-count'], undefined);
      assert.equal(none.headers['preference-applied'], 'count=none');
      const paged = await api('GET', '/t/items?page_size=1', { headers: { prefer: 'count=exact' } });
      assert.equal(paged.headers['x-total-count'], '5');
    });

    test('an estimate is told as one, and few rows are counted all the same', async () => {
      for (const paging of ['', 'page_size=2&']) {
        const few = await api('GET', `/t/items?${paging}id=a`, { headers: { prefer: 'count=estimated' } });
        assert.deepEqual([few.headers['x-total-count'], few.headers['preference-applied']], ['1', 'count=exact']);
        const many = await api('GET', `/t/items?${paging}`, { headers: { prefer: 'count=estimated' } });
        assert.ok(Number(many.headers['x-total-count']) > 3);
        assert.equal(many.headers['preference-applied'], kind === 'sqlite3' ? 'count=exact' : 'count=estimated');
      }
    });

    test('_fields picks properties', async () => {
      assert.deepEqual((await api('GET', '/t/items?_fields=id&_fields=name&limit=1')).json(), { items: [{ id: 'a', name: 'apple' }] });
      assert.deepEqual((await api('GET', '/t/items/b?_fields=item.level')).json(), { item: { level: 1 } });
    });

    test('what is no parameter, or a wrong value, is refused with its name', async () => {
      for (const [query, word] of [
        ['colour=red', 'colour'],
        ['nmae=x', 'name'],
        ['limit=-1', 'limit'],
        ['offset=x', 'offset'],
        ['sort_key=colour', 'colour'],
        ['sort_order=up', 'up'],
        ['level=high', 'level'],
        ['level__null=maybe', 'level'],
        ['search_field=name', 'name'],
        ['page_size=2&limit=1', 'page_size'],
        ['_fields=colour', 'colour'],
      ] as const) {
        const answer = await api('GET', `/t/items?${query}`);
        assert.equal(answer.status, 400, query);
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        assert.ok(answer.json().detail.includes(word), answer.text);
        assert.equal(answer.json().error, answer.json().detail);
      }
    });
  },
  { api: { exact_count_limit: 3 } },
);
