import { existsSync } from "node:fs";
import type { Command } from "commander";
import { INSTALLATION_CHAIN } from "../../core/audit.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import { toWire } from "../../core/wire.ts";
import type { AuditEntry, Finding } from "../../core/words.ts";
import type { Graphkeeper } from "../../service.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { integer, list, num } from "../wire.ts";

const PAGE = 1_000;

/** audit show, verify */
export function auditCommands(program: Command, context: MakeContext): void {
  const audit = program.command("audit").description("who changed what, in chains that cannot be rewritten unseen");
  audit
    .command("show")
    .description(
      "entries of the audit, one JSON object a line: of the group, or with --installation of keys, schedules, pauses and starts",
    )
    .option("--installation", "the installation's own audit")
    .option("--after <seq>", "entries after this one", integer, 0)
    .action(async (options: { installation?: boolean; after: number }, self: Command) => {
      const cli = context(self);
      const chain = options.installation ? INSTALLATION_CHAIN : cli.group;
      for await (const entry of entriesOf(cli, chain, options.after)) await cli.output.line(JSON.stringify(entry));
    });
  audit
    .command("verify")
    .description(
      "check chains, heads and anchors: of the group, or of all and the installation; exit code 3 when something is wrong",
    )
    .option("--anchor <file>", "anchors, or a log that holds them, instead of the configured file")
    .action(async ({ anchor }: { anchor?: string }, self: Command) => {
      const cli = context(self);
      if (anchor !== undefined && !existsSync(anchor))
        throw new GraphkeeperError("INVALID_VALUE", `${anchor} is not there.`, { field: "anchor" });
      const checked = await cli.locally("read", (graphkeeper) => verifyChains(graphkeeper, cli.optionalGroup, anchor));
      const wrong = checked.filter(({ findings }) => findings.length > 0);
      const lines = wrong.flatMap(({ chain, findings }) =>
        findings.map((f) => `${chain ?? "installation"}: ${f.code}: ${f.message}, such as ${f.samples[0]}`),
      );
      cli.output.result({ chains: checked }, lines.length > 0 ? lines : `clean: ${checked.length} chains`);
      if (wrong.length > 0) process.exitCode = EXIT.findings;
    });
}

/** @returns for each chain what was found; `chain` is null for the installation's own */
async function verifyChains(
  graphkeeper: Graphkeeper,
  group: string | undefined,
  anchor: string | undefined,
): Promise<{ chain: string | null; findings: Finding[] }[]> {
  if (group !== undefined) return [{ chain: group, findings: await graphkeeper.verifyAudit(group, anchor) }];
  const checked = [
    { chain: null as string | null, findings: await graphkeeper.verifyAudit(INSTALLATION_CHAIN, anchor) },
  ];
  for (let cursor: string | undefined; ; ) {
    const page = await graphkeeper.store.groups({ cursor, limit: 500 });
    for (const { groupId } of page.items)
      checked.push({ chain: groupId, findings: await graphkeeper.verifyAudit(groupId, anchor) });
    if (page.nextCursor === null) return checked;
    cursor = page.nextCursor;
  }
}

async function* entriesOf(cli: CliContext, chain: string, after: number): AsyncGenerator<unknown> {
  const server = cli.namedServer();
  if (server) {
    const installation = chain === INSTALLATION_CHAIN;
    for (let next: number | null = after; next !== null; ) {
      const answer = await server.call({
        path: installation ? "/audit/installation" : "/audit",
        ...(installation ? {} : { group: chain }),
        query: { after: next, limit: PAGE },
      });
      yield* list(answer.entries);
      next = answer.next_after === null ? null : num(answer.next_after);
    }
    return;
  }
  const pages: AuditEntry[] = [];
  await cli.locally("read", async (graphkeeper) => {
    for (let afterSeq = after; ; ) {
      const page = await graphkeeper.auditOf(chain, { afterSeq, limit: PAGE });
      pages.push(...page);
      if (page.length < PAGE) return;
      afterSeq = page.at(-1)!.seq;
    }
  });
  for (const entry of pages) yield toWire(entry);
}
