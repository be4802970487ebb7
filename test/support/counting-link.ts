import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP link to a database server that counts the answers of the server, over all connections, and can be cut at one of them. */
export interface CountingLink {
  readonly port: number;
  /** Counts anew. Before the `count`th answer is passed on, `onAnswer` is called, and all connections are broken. */
  cutAt(count: number, onAnswer: () => void): void;
  close(): Promise<void>;
}

/** Sees what one connection sends and receives; `count` is called once for each answer, when its first bytes came (MySQL) or all did (PostgreSQL). */
interface AnswerReader {
  sent(chunk: Buffer): void;
  received(chunk: Buffer, count: () => void): void;
}

/** Messages of PostgreSQL: a type, a length, a body. `Z` ends each answer. */
function readPostgres(): AnswerReader {
  let rest = Buffer.alloc(0);
  return {
    sent: () => undefined,
    received(chunk, count) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5) {
        const length = 1 + rest.readUInt32BE(1);
        if (rest.length < length) return;
        if (rest[0] === 0x5a) count();
        rest = rest.subarray(length);
      }
    },
  };
}

const COM_QUIT = 0x01;
const COM_STMT_CLOSE = 0x19;

/** Packets of MySQL: a length of three bytes, a number that is 0 for commands, a body that begins with the command. */
function readMysql(): AnswerReader {
  let rest = Buffer.alloc(0);
  let awaited = 0;
  return {
    sent(chunk) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5) {
        const length = 4 + rest.readUIntLE(0, 3);
        if (rest.length < length) return;
        // Of these two there is no answer.
        if (rest[3] === 0 && rest[4] !== COM_QUIT && rest[4] !== COM_STMT_CLOSE) awaited += 1;
        rest = rest.subarray(length);
      }
    },
    received(_chunk, count) {
      if (awaited === 0) return;
      awaited -= 1;
      count();
    },
  };
}

/** Listens on a free port and forwards to the server of that kind on `target`. */
export async function startCountingLink(kind: 'postgresql' | 'mysql', target: number): Promise<CountingLink> {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let onLast = (): void => undefined;
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const count = (): void => {
    left -= 1;
    if (left !== 0) return;
    onLast();
    breakAll();
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const reader = kind === 'mysql' ? readMysql() : readPostgres();
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    client.on('data', (chunk) => {
      reader.sent(chunk);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      reader.received(chunk, count);
      if (!client.destroyed) client.write(chunk);
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutAt(at, onAnswer) {
      left = at;
      onLast = onAnswer;
    },
    async close() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
