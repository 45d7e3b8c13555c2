import { statSync } from "node:fs";
import type { Command } from "commander";
import { toWire } from "../../core/wire.ts";
import { readLock } from "../../stores/sqlite/lock.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { table } from "../wire.ts";

interface Check {
  check: string;
  state: "ok" | "note" | "wrong";
  detail: string;
}

/** doctor: looks at the installation (and verifies each group with --verify); changes nothing. */
export function doctorCommand(program: Command, context: MakeContext): void {
  program
    .command("doctor")
    .description("look at the installation and the data; changes nothing")
    .option("--verify", "also check every invariant of every group by a full scan")
    .action(async (options: { verify?: boolean }, self: Command) => {
      const cli = context(self);
      const checks = await examine(cli, options.verify ?? false);
      cli.output.result(
        { checks: toWire(checks) },
        table(checks.map((c) => [c.state === "wrong" ? "!" : c.state === "note" ? "-" : "✓", c.check, c.detail])),
      );
      if (checks.some((c) => c.state === "wrong")) process.exitCode = EXIT.findings;
    });
}

async function examine(cli: CliContext, verify: boolean): Promise<Check[]> {
  const checks: Check[] = [{ check: "node", state: "ok", detail: process.versions.node }];
  const { data } = cli.config;
  const file = statSync(data, { throwIfNoEntry: false });
  if (!file)
    return [
      ...checks,
      { check: "data file", state: "note", detail: `${data} is not there yet; the first import makes it` },
    ];
  checks.push({ check: "data file", state: "ok", detail: `${data}, ${(file.size / 1_048_576).toFixed(1)} MB` });
  if ((file.mode & 0o077) !== 0) {
    checks.push({
      check: "permissions",
      state: "note",
      detail: "others on this machine may read the data file; chmod 600 keeps it private",
    });
  }
  const lock = await readLock(data);
  checks.push({
    check: "holder",
    state: "ok",
    detail: lock ? `process ${lock.pid}${lock.address ? ` at ${lock.address}` : ""}` : "nobody",
  });
  await cli.locally("read", async (graphkeeper) => {
    let cursor: string | undefined;
    do {
      const page = await graphkeeper.store.groups({ cursor, limit: 500 });
      for (const { groupId } of page.items) {
        const health = await graphkeeper.health(groupId);
        const waits = [health.needsGc && "collection waits", health.gdsStale && "analytics are stale"].filter(Boolean);
        checks.push({
          check: `group ${groupId}`,
          state: health.findings.length > 0 ? "wrong" : "ok",
          detail: [...waits, ...health.findings].join("; ") || "healthy",
        });
        if (!verify) continue;
        const findings = await graphkeeper.verify(groupId);
        for (const finding of findings)
          checks.push({ check: `group ${groupId}`, state: "wrong", detail: `${finding.code}: ${finding.message}` });
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    for (const key of await graphkeeper.keys.listKeys()) {
      if (key.revokedAt === null && key.role === "admin")
        checks.push({ check: "admin key", state: "ok", detail: `${key.id} (${key.name})` });
    }
  });
  return checks;
}
