import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";

/**
 * A proxy between driver and server that knows just enough Bolt to see messages: it can let COMMIT through and cut the
 * connection before its answer, which is the moment at which a driver cannot know what became of its transaction.
 */
export class BoltProxy {
  /** Cuts the next connection that commits, after the server has answered, before the driver hears it. */
  cutNextCommit = false;
  cuts = 0;
  commits = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(upstream: string): Promise<BoltProxy> {
    const { hostname, port } = new URL(upstream);
    const server = createServer();
    const proxy = new BoltProxy(server);
    server.on("connection", (client) => proxy.#relay(client, hostname, Number(port)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get uri(): string {
    return `bolt://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  #relay(client: Socket, host: string, port: number): void {
    const server = new Socket().connect(port, host);
    this.#open.add(client).add(server);
    let swallow = false;
    const messages = new Messages((tag) => {
      if (tag !== 0x12) return; // COMMIT
      this.commits++;
      if (this.cutNextCommit) {
        this.cutNextCommit = false;
        swallow = true;
      }
    });
    client.on("data", (data) => {
      messages.push(data);
      server.write(data);
    });
    server.on("data", (data) => {
      if (!swallow) return client.write(data);
      // The server's answer is here: the transaction is committed, and the driver will never hear of it.
      this.cuts++;
      client.destroy();
      server.destroy();
      return false;
    });
    for (const [a, b] of [
      [client, server],
      [server, client],
    ] as const) {
      a.on("error", () => b.destroy());
      a.on("close", () => {
        this.#open.delete(a);
        b.destroy();
      });
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Reads the client's side: 20 bytes of handshake (more with manifest), then chunks; tells the tag of each message. */
class Messages {
  readonly #tell: (tag: number) => void;
  #buffer = Buffer.alloc(0);
  #shaken = false;
  #chosen = false;
  #fresh = true;

  constructor(tell: (tag: number) => void) {
    this.#tell = tell;
  }

  push(data: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    if (!this.#shaken) {
      if (this.#buffer.length < 20) return;
      this.#shaken = true;
      this.#buffer = this.#buffer.subarray(20);
    }
    if (!this.#chosen) {
      if (this.#buffer.length < 2) return;
      // With a manifest handshake the client confirms its choice in 5 bytes more: 00 00 minor major, and no capabilities. Without
      // one its first message follows, whose size is not 0.
      const manifest = this.#buffer.readUInt16BE(0) === 0;
      if (manifest && this.#buffer.length < 5) return;
      this.#chosen = true;
      if (manifest) this.#buffer = this.#buffer.subarray(5);
    }
    while (this.#buffer.length >= 2) {
      const size = this.#buffer.readUInt16BE(0);
      if (size === 0) {
        this.#fresh = true;
        this.#buffer = this.#buffer.subarray(2);
        continue;
      }
      if (this.#buffer.length < 2 + size) return;
      if (this.#fresh && size >= 2) this.#tell(this.#buffer[3] as number);
      this.#fresh = false;
      this.#buffer = this.#buffer.subarray(2 + size);
    }
  }
}
