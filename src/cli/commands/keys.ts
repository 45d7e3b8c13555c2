import { type Command, Option } from "commander";
import { GraphkeeperError } from "../../core/errors.ts";
import { toWire } from "../../core/wire.ts";
import type { JsonObject } from "../../core/words.ts";
import { createApiKey, ROLES, type Role, refuseFirstKey } from "../../http/api-key.ts";
import type { MakeContext } from "../context.ts";
import { list, str, table } from "../wire.ts";

/** keys create, list, revoke: on the data file; a running server sees the change at once. */
export function keyCommands(program: Command, context: MakeContext): void {
  const keys = program.command("keys").description("API keys of the HTTP service");
  keys
    .command("create")
    .description("make a key; it is shown once")
    .requiredOption("--name <name>", "whose it is")
    .addOption(new Option("--role <role>", "what it may do").choices(ROLES).default("admin"))
    .option("--groups <groups...>", "group ids, prefixes that end in *, or *", ["*"])
    .action(async ({ name, role, groups }: { name: string; role: Role; groups: string[] }, self: Command) => {
      const cli = context(self);
      const options = { name, role, groups };
      const server = await cli.server();
      if (server) {
        const made = await server.call({ method: "POST", path: "/keys", body: options });
        cli.output.result(made, String(made.key));
        return;
      }
      await cli.locally("create", async (graphkeeper) => {
        const { key, stored } = createApiKey(options, graphkeeper.clock());
        const { apiKey, jwt } = cli.config.auth;
        const made = (await graphkeeper.keys.listKeys()).length;
        refuseFirstKey(role, { keys: made, configured: apiKey !== undefined || jwt !== undefined });
        await graphkeeper.keys.addKey(stored, "cli");
        const { secretHash: _, ...shown } = stored;
        cli.output.say(`key ${stored.id} for ${options.name}; it is shown this once:`);
        cli.output.result({ key, ...shown }, key);
      });
    });
  keys
    .command("list")
    .description("keys, without their secrets")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const server = cli.namedServer();
      const all = server
        ? list((await server.call({ path: "/keys" })).keys)
        : await cli.locally("read", async (graphkeeper) =>
            (await graphkeeper.keys.listKeys()).map(({ secretHash: _, ...key }) => toWire(key) as JsonObject),
          );
      const rows = all.map((k) => [
        str(k.id),
        str(k.role),
        (k.groups as string[]).join(","),
        str(k.name),
        k.revoked_at ? "revoked" : "valid",
      ]);
      cli.output.result(
        { keys: all },
        rows.length > 0 ? table([["ID", "ROLE", "GROUPS", "NAME", "STATE"], ...rows]) : "no keys",
      );
    });
  keys
    .command("revoke <id>")
    .description("end a key")
    .action(async (id: string, _options: object, self: Command) => {
      const cli = context(self);
      const server = await cli.server();
      if (server) await server.call({ method: "DELETE", path: `/keys/${encodeURIComponent(id)}` });
      else {
        await cli.locally("write", async (graphkeeper) => {
          if (await graphkeeper.keys.revokeKey(id, graphkeeper.clock(), "cli")) return;
          throw new GraphkeeperError("NOT_FOUND", "There is no such key, or it was revoked before.", { key_id: id });
        });
      }
      cli.output.result({ id, revoked: true }, `${id} revoked`);
    });
}
