import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** The body of a webhook, as far as tests look at it. */
export interface SentChange {
  readonly id: number;
  readonly type: string;
  readonly path: string;
  readonly version: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** Takes webhooks, or refuses them with the status that `answer` gives. `await using` ends it. */
export async function startWebhookReceiver(answer: (change: SentChange) => number = () => 204) {
  const taken: SentChange[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const change = JSON.parse(body) as SentChange;
      const status = answer(change);
      if (status < 300) taken.push(change);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** What it answered 2xx, in order. */
    taken: taken as readonly SentChange[],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
