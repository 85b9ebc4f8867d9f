/** What Flight SQL keeps between calls, and how it reads names and messages. */
import { expect, test, vi } from 'vitest';
import type { QueryRequest, QueryService, QuerySession } from '../../src/core/contracts.js';
import { ANONYMOUS } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { MessageWriter } from '../../src/flight/protobuf.js';
import { Message, readAny, writeAny } from '../../src/flight/sql/message.js';
import { matches } from '../../src/flight/sql/name-pattern.js';
import { Sessions } from '../../src/flight/sql/sessions.js';
import { NEW_HANDLE, readHandle, writeHandle } from '../../src/flight/sql/statement-handle.js';
import { Transactions } from '../../src/flight/sql/transactions.js';

function fakeQueries() {
  const ran: string[] = [];
  let closed = 0;
  const session: QuerySession = { id: 's', inTransaction: false, close: () => closed++ };
  const execute = async ({ sql }: QueryRequest) => {
    ran.push(sql);
    return { batches: [] };
  };
  const query = { openSession: () => session, execute } as unknown as QueryService;
  return { query, ran, closed: () => closed };
}

test('a transaction begins with its first statement, and ends once', async () => {
  const { query, ran, closed } = fakeQueries();
  const transactions = new Transactions(query, settingsWith());
  const unused = transactions.begin(ANONYMOUS, []);
  const id = transactions.begin(ANONYMOUS, ["SET timezone = 'UTC'"]);
  expect(ran).toEqual([]);
  (await transactions.hold(id)).release();
  (await transactions.hold(id)).release();
  expect(ran).toEqual(["SET timezone = 'UTC'", 'BEGIN']);
  const point = await transactions.setSavepoint(id, 'a name');
  await transactions.endSavepoint(point, 'ROLLBACK TO');
  await transactions.end(id, 'COMMIT');
  await transactions.end(unused, 'COMMIT');
  expect(ran.slice(2)).toEqual(['SAVEPOINT "flight 1"', 'ROLLBACK TO SAVEPOINT "flight 1"', 'COMMIT']);
  expect(closed()).toBe(1);
  await expect(transactions.end(id, 'COMMIT')).rejects.toMatchObject({ code: 'transaction_state' });
  await expect(transactions.hold('nothing')).rejects.toMatchObject({ code: 'transaction_state' });
  await expect(transactions.endSavepoint('x', 'RELEASE')).rejects.toMatchObject({ code: 'transaction_state' });
});

test('a transaction that nobody uses is given up, but not while something runs in it, nor before its first statement', async () => {
  vi.useFakeTimers();
  try {
    const { query, closed } = fakeQueries();
    const transactions = new Transactions(query, settingsWith({ flight_transaction_idle_ms: 1000 }));
    const [unused, busy, idle] = [1, 2, 3].map(() => transactions.begin(ANONYMOUS, []));
    const running = await transactions.hold(busy as string);
    (await transactions.hold(idle as string)).release();
    await vi.advanceTimersByTimeAsync(5000);
    expect(closed()).toBe(1);
    await expect(transactions.hold(idle as string)).rejects.toMatchObject({
      code: 'transaction_state',
      message: expect.stringContaining('1000 ms'),
    });
    await transactions.end(idle as string, 'ROLLBACK');
    running.release();
    (await transactions.hold(unused as string)).release();
    await transactions.end(busy as string, 'COMMIT');
    await transactions.close();
    expect(closed()).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test('only so many transactions and sessions are open at once', async () => {
  const { query } = fakeQueries();
  const settings = settingsWith({ flight_max_transactions: 1, flight_max_sessions: 1 });
  const transactions = new Transactions(query, settings);
  const [first, second] = [transactions.begin(ANONYMOUS, []), transactions.begin(ANONYMOUS, [])];
  await transactions.hold(first);
  await expect(transactions.hold(second)).rejects.toMatchObject({ code: 'overloaded' });
  await transactions.end(first, 'ROLLBACK');
  (await transactions.hold(second)).release();
  await transactions.close();
  const sessions = new Sessions(query, settings);
  const session = sessions.open(ANONYMOUS);
  expect(() => sessions.open(ANONYMOUS)).toThrow('1 sessions are open already');
  sessions.close(session);
  expect(sessions.find(session.id)).toBeUndefined();
  sessions.open(ANONYMOUS);
});

test.each([
  ['trades', null, true],
  ['trades', '', false],
  ['Trades', 'TR%', true],
  ['trades', '%a_e%', true],
  ['trades', 'trade', false],
  ['trades', '______', true],
  ['trades', '_______', false],
  ['a_b', 'a\\_b', true],
  ['axb', 'a\\_b', false],
  ['a%b', '%\\%%', true],
  ['ab', '%\\%%', false],
  ['a'.repeat(200), `${'%a'.repeat(50)}b`, false],
])('the name %s and the pattern %s: %s', (name, pattern, expected) => {
  expect(matches(name, pattern)).toBe(expected);
});

test('a handle comes back as it was written, and a damaged one is refused', () => {
  const row = { descriptor: null, header: Uint8Array.of(1, 2), body: new Uint8Array(0) };
  const handle = { ...NEW_HANDLE, sql: 'SELECT ?', transaction: 't', parameterNames: ['$1'], rows: [row], queryId: 'q', schemaChecksum: 0 };
  const bytes = writeHandle(handle);
  const back = readHandle(bytes);
  expect({ ...back, rows: [] }).toEqual({ ...handle, rows: [] });
  expect(back.rows.map(({ header }) => [...header])).toEqual([[1, 2]]);
  for (let i = 0; i < bytes.length; i++) {
    const damaged = Uint8Array.from(bytes);
    damaged[i] = (damaged[i] as number) ^ 0x15;
    expect(() => readHandle(damaged)).toThrow();
  }
  expect(() => readHandle(new Uint8Array(0))).toThrow('no handle');
});

test('messages are read as protobuf writes them: negative numbers, packed ones, the last of several', () => {
  const bytes = new MessageWriter()
    .number(1, -5)
    .number(1, -1)
    .explicitNumber(2, 0)
    .text(3, 'a')
    .text(3, 'b')
    .bytes(4, Uint8Array.of(1, 0x96, 1))
    .finish();
  const message = new Message(bytes);
  expect([message.number(1), message.has(2), message.has(9), message.text(3), message.texts(3)]).toEqual([
    -1,
    true,
    false,
    'b',
    ['a', 'b'],
  ]);
  expect(message.numbers(4)).toEqual([1, 150]);
  expect(message.numbers(1)).toEqual([-5, -1]);
  expect(readAny(writeAny('CommandX', new MessageWriter().text(1, 'y')))?.message.text(1)).toBe('y');
  for (const text of ['', 'SELECT 1', '\n{"query": "x"}', 'trades']) expect(readAny(Buffer.from(text))).toBeUndefined();
});
