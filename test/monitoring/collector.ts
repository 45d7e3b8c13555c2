import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface Collector<Item> {
  url: string;
  items: Item[];
  /** The first item that fits, as soon as it has come. @throws Error after the time, with what came instead */
  find(fits: (item: Item) => boolean, describe: (item: Item) => string): Promise<Item>;
  close(): void;
}

/** An HTTP endpoint for telemetry in JSON, as a backend has one. @param read what is in a body that was posted to a path */
export async function startCollector<Item>(
  // biome-ignore lint/suspicious/noExplicitAny: bodies as protocols of others define them
  read: (path: string, body: any) => Item[],
  answer: (path: string, body: unknown) => object = () => ({}),
): Promise<Collector<Item>> {
  const items: Item[] = [];
  let came = () => {};
  const server = createServer(async (request, response) => {
    const sent = Buffer.concat(await request.toArray());
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent).toString() : sent.toString();
    const body = JSON.parse(text === "" ? "null" : text);
    items.push(...read(request.url ?? "", body));
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(answer(request.url ?? "", body)));
    came();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    items,
    find: async (fits, describe) => {
      const until = Date.now() + 30_000;
      for (;;) {
        const found = items.find(fits);
        if (found !== undefined) return found;
        const left = until - Date.now();
        if (left <= 0) throw new Error(`It did not come. What came:\n${items.map(describe).join("\n")}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          came = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
