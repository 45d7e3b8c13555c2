import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/main.ts";
import { cli, type Ended, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
beforeAll(async () => {
  place = await workplace();
});
afterAll(() => place.remove());

test("--help fits on a screen and names every command; each command has its own", async () => {
  const [help, none, one, version] = await Promise.all([cli(["--help"]), cli([]), cli(["gc", "--help"]), cli(["-V"])]);
  expect(help.code).toBe(0);
  const lines = help.out.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  const program = buildProgram({}, new AbortController().signal);
  for (const command of program.commands)
    expect(help.out, command.name()).toMatch(new RegExp(`\\b${command.name()}\\b`));
  // Without a command: the same, as an error.
  expect(none).toMatchObject({ code: 2, out: "", err: help.out });
  expect(one.code).toBe(0);
  expect(one.out).toMatch(/--dry-run .*only say what would go/);
  expect(one.out).toMatch(/Global Options:[\s\S]*--data <file>/);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("what is wrong is told with what would be right", () => {
  const cases: [what: string, args: string[], env: Record<string, string>, code: number, message: RegExp][] = [
    ["an unknown command", ["helth"], {}, 2, /unknown command 'helth'[\s\S]*Did you mean health\?/],
    ["an unknown option", ["health", "--gruop", "a"], {}, 2, /unknown option '--gruop'[\s\S]*Did you mean --group\?/],
    ["a missing argument", ["deprecate"], {}, 2, /missing required argument 'document'/],
    ["an argument too many", ["health", "acme"], {}, 2, /too many arguments/],
    ["a wrong choice", ["import", "x", "--format", "csv"], {}, 2, /native, openie, msgraphrag/],
    ["a wrong verb", ["impact", "x", "--verb", "erase"], {}, 2, /deprecate, restore, purge/],
    ["no number", ["runs", "list", "--limit", "many"], {}, 2, /whole number/],
    ["a negative number", ["communities", "changed", "--since=-1"], {}, 2, /whole number/],
    ["no port", ["serve", "--port", "http"], {}, 2, /whole number/],
    ["a port too high", ["serve", "--port", "70000"], {}, 2, /http\.port: .*65535/],
    ["a wrong role", ["serve", "--roles", "http,workers"], {}, 2, /no role workers; known are http, scheduler, worker/],
    ["a bad group", ["health", "--group", "a b"], {}, 2, /INVALID_GROUP_ID/],
    [
      "an unknown variable",
      ["health"],
      { GRAPHKEEPER_DATE: "x" },
      2,
      /GRAPHKEEPER_DATE\. Did you mean GRAPHKEEPER_DATA\?/,
    ],
    ["a wrong variable", ["health"], { GRAPHKEEPER_PORT: "x" }, 2, /http\.port \(GRAPHKEEPER_PORT\): /],
    ["no configuration file", ["health", "--config", "none.json"], {}, 2, /none\.json/],
    ["no address", ["health", "--url", "localhost:8000"], {}, 2, /not the address of a server.*http:\/\/127/],
    ["nobody there", ["health", "--url", "http://127.0.0.1:9"], {}, 7, /Nobody answers at http:\/\/127\.0\.0\.1:9/],
    ["no data file", ["health"], {}, 4, /no data file .*graph\.db/],
    ["no document", ["import", "none.ndjson"], {}, 2, /none\.ndjson is not there/],
    ["a folder", ["import", "."], {}, 2, /is a folder; .*--format msgraphrag/],
    ["a file for a folder", ["import", process.execPath, "--format", "msgraphrag"], {}, 2, /reads a folder/],
    ["OpenIE from a pipe", ["import", "-", "--format", "openie"], {}, 2, /Standard input .*native/],
    ["a demo of nothing", ["demo", "--data", "none.json"], {}, 2, /none\.json is not there/],
    ["a wrong time", ["schedules", "preview", "61 * * * *"], {}, 2, /61 is not a minute/],
  ];
  // Two at a time: most of each is the start of a process.
  const results = new Map<string, Promise<Ended>>();
  beforeAll(async () => {
    for (let i = 0; i < cases.length; i += 2) {
      await Promise.all(
        cases.slice(i, i + 2).map(([what, args, env]) => {
          const ended = place.run(args, { env });
          results.set(what, ended);
          return ended;
        }),
      );
    }
  });
  test.each(cases)("%s", async (what, _args, _env, code, message) => {
    const ended = await results.get(what)!;
    expect(ended.err).toMatch(message);
    // Never the inside of the program.
    expect(ended.err).not.toMatch(/\n {4}at /);
    expect(ended).toMatchObject({ code, out: "" });
  });
});

test("errors with --json are one object with code, detail, remedy and place", async () => {
  const ended = await place.run(["import", "-", "--json"], {
    stdin: '{"kind":"document","id":"a"}\n{"kind":"docment"}\n',
  });
  expect(ended).toMatchObject({ code: 2, out: "" });
  expect(ended.problem()).toMatchObject({
    code: "INVALID_LINE",
    line: 2,
    detail: expect.stringContaining('"docment"'),
    remedy: expect.stringContaining("nothing of its document was imported"),
  });
});

test("on too old a Node it says which it needs, whatever else would fail", async () => {
  const fake = (version: string) =>
    `--import=data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;
  const [old, almost, first] = await Promise.all(
    ["20.19.5", "22.17.1", "22.18.0"].map((version) => cli(["--version"], { node: [fake(version)] })),
  );
  expect(old).toMatchObject({ code: 1, out: "" });
  expect(old!.err).toMatch(/needs Node 22\.18 or newer; this is Node 20\.19\.5/);
  expect(almost).toMatchObject({ code: 1, out: "" });
  expect(first).toMatchObject({ code: 0, err: "" });
});

test("the environment, a file and options set the same things, the later one wins", async () => {
  const { run, folder, data } = place;
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${folder}/config.json`, JSON.stringify({ data: `${folder}/by-file.db` }));
  const shown = (args: string[], env: Record<string, string>) => run(["doctor", "--json", ...args], { env });
  const [byFile, byVariable, byOption, before] = await Promise.all([
    shown([], { GRAPHKEEPER_DATA: "", GRAPHKEEPER_CONFIG: `${folder}/config.json` }),
    shown(["--config", `${folder}/config.json`], {}),
    shown(["--data", "by-option.db"], {}),
    // Options of all commands may stand before the command as well.
    run(["--data", "by-option.db", "--json", "doctor"]),
  ]);
  const detail = ({ out }: Ended) => (JSON.parse(out) as { checks: { detail: string }[] }).checks[1]!.detail;
  expect(detail(byFile)).toContain(`${folder}/by-file.db`);
  expect(detail(byVariable)).toContain(data);
  expect(detail(byOption)).toMatch(/^by-option\.db/);
  expect(before.out).toBe(byOption.out);
});
