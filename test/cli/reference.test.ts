import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/main.ts";
import { EXIT } from "../../src/cli/output.ts";

const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
const program = buildProgram({}, new AbortController().signal);

/** Every command that does something, by its words and arguments. */
function commandsOf(parent: Command, path: string[] = []): Map<string, Command> {
  const found = new Map<string, Command>();
  for (const command of parent.commands) {
    const words = [...path, command.name()];
    const args = command.registeredArguments.map((a) => ` <${a.name()}${a.variadic ? "..." : ""}>`).join("");
    if (command.commands.length > 0) for (const entry of commandsOf(command, words)) found.set(...entry);
    else found.set(words.join(" ") + args, command);
  }
  return found;
}

function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| `") || /^\| \d/.test(line))
    .map((line) => line.slice(2, -2).split(" | "));
}

const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section): [string, string] => [/^`([^`]+)`/.exec(section)![1]!, section.slice(section.indexOf("\n"))]),
);

describe("docs/cli.md says what the program does", () => {
  const commands = commandsOf(program);

  test("all commands, and no other", () => {
    expect([...sections.keys()].toSorted()).toEqual([...commands.keys()].toSorted());
  });

  test.each([...commands.keys()])("%s", (name) => {
    const command = commands.get(name)!;
    const section = sections.get(name) ?? "";
    expect(section).toContain(command.description());
    const options = rowsOf(section).map(([flags, text]) => [flags!.replaceAll("`", ""), text]);
    expect(options.map(([flags]) => flags).toSorted()).toEqual(command.options.map((o) => o.flags).toSorted());
    for (const { flags, description, argChoices } of command.options) {
      const text = options.find((option) => option[0] === flags)![1]!;
      expect(text.startsWith(description), `${flags}: ${text}`).toBe(true);
      for (const choice of argChoices ?? []) expect(text).toContain(choice);
    }
  });

  test("the options of all commands", () => {
    const table = rowsOf(page.slice(page.indexOf("## Which graph"), page.indexOf("## What it writes")));
    const written = table.map(([flags]) => flags!.replaceAll("`", ""));
    const real = program.options.map((o) => o.flags).filter((flags) => !flags.includes("--version"));
    expect(written.toSorted()).toEqual(real.toSorted());
  });

  test("the exit codes", () => {
    const table = rowsOf(page.slice(page.indexOf("## Exit codes"), page.indexOf("## Commands")));
    expect(Object.fromEntries(table.map(([code, name]) => [name, Number(code)]))).toEqual(EXIT);
  });
});
