import { type Command, Option } from "commander";
import { loadConfig } from "../../config/config.ts";
import type { ServiceRole } from "../../start.ts";
import type { GlobalOptions } from "../context.ts";
import { Output } from "../output.ts";
import { integer } from "../wire.ts";

const ROLES: readonly ServiceRole[] = ["http", "scheduler", "worker"];

interface ServeOptions extends GlobalOptions {
  host?: string;
  port?: number;
  roles: ServiceRole[];
}

/** serve: the HTTP service with its scheduler and worker, until SIGTERM or Ctrl-C. */
export function serveCommand(program: Command): void {
  program
    .command("serve")
    .description("the HTTP service, with its scheduler and worker")
    .option("--host <address>", "address to listen on; default 127.0.0.1")
    .option("--port <port>", "port to listen on; default 8000, 0 = any free one", integer)
    .addOption(
      new Option("--roles <roles>", "what this process does, of http,scheduler,worker")
        .argParser((text: string) => text.split(",").map((role) => role.trim()) as ServiceRole[])
        .default([...ROLES], "all"),
    )
    .action(async (_options: object, self: Command) => {
      const options = self.optsWithGlobals<ServeOptions>();
      const unknown = options.roles.find((role) => !ROLES.includes(role));
      if (unknown !== undefined) self.error(`error: there is no role ${unknown}; known are ${ROLES.join(", ")}`);
      const config = loadConfig(process.env, {
        file: options.config,
        overrides: { data: options.data, "http.host": options.host, "http.port": options.port },
      });
      // Heard from the beginning: a deployment that is rolled back at once must not leave through the default handler.
      const asked = stopSignal();
      outliveSocketErrors();
      // The HTTP framework is loaded only where it is needed: other commands start in a third of the time.
      const { startServer } = await import("../../start.ts");
      const server = await startServer(config, { roles: options.roles });
      const output = new Output(options);
      output.result(
        { address: server.address, pid: process.pid, data: config.data },
        server.address ? `listening on ${server.address}` : "working",
      );
      await asked;
      output.say("stopping");
      await server.stop();
    });
}

/** Kubernetes sends SIGTERM, a terminal SIGINT; a second one of either ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve();
      });
    }
  });
}

/**
 * Goes on after the error of a socket that nobody listens to: there should be none, and a client must not be able to end the
 * service by it. Any other error that nobody catches ends the process, as it does by default.
 */
function outliveSocketErrors(): void {
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    const line = `an error that nobody caught: ${error.stack ?? String(error)}\n`;
    process.stderr.write(line, () => {});
    if (!SOCKET_ERRORS.has(error.code ?? "")) process.exit(1);
  });
}

const SOCKET_ERRORS = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTCONN", "ERR_STREAM_DESTROYED"]);
