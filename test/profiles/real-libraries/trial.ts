import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import neo4j from "neo4j-driver";
import { startNeo4j } from "../../servers/neo4j.ts";
import type { Run } from "../fixtures/fixture.ts";
import { differences, Library, Trial, values } from "./drive.ts";

/**
 * Puts a graph that a real library wrote through the command line: doctor, install, deprecate, collect, restore, purge,
 * recompute, uninstall, and the library writing on in between. README.md says how to run it; the gate does not.
 */

const FIRST = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const CHOSEN = [1, 4, 7];
const PURGED = [2, 5];
/** Mentions an entity that document 1 brought in. */
const NEW = 12;
const MARKS =
  "Aardvark Bramble Cinnabar Dandelion Ember Falcon Garnet Heron Indigo Juniper Kestrel Lantern Marigold Nutmeg".split(
    " ",
  );

let failures = 0;
function check(what: string, found: string[]): void {
  if (found.length > 0) failures += 1;
  console.log(`${found.length === 0 ? "ok  " : "FAIL"} ${what}`);
  for (const line of found.slice(0, 12)) console.log(`       ${line}`);
}

/** What is asked after each step. */
class Story {
  readonly #trial: Trial;
  readonly #library: Library;
  constructor(trial: Trial, library: Library) {
    this.#trial = trial;
    this.#library = library;
  }

  async ids(documents: number[]): Promise<string[]> {
    return (await this.#library.ask<string[][]>("ids", documents)).flat();
  }

  names = () => this.#library.ask<string[]>("names");

  async cli(verb: string, documents: number[], ...more: string[]): Promise<Record<string, unknown>> {
    return this.#trial.cli(verb, ...(await this.ids(documents)), ...more);
  }

  /** What the library's readers show of the documents: any word of theirs, or only words of their texts. */
  async seen(documents: number[], { texts = false } = {}): Promise<string[]> {
    const answer = await this.#library.ask<Record<string, Record<string, string[]>>>("search", documents);
    const shows = (hit: string) => documents.some((i) => (texts ? hit.includes(lower(i)) : holds(hit, i)));
    return Object.entries(answer).flatMap(([mark, ways]) =>
      Object.entries(ways).flatMap(([way, hits]) =>
        hits.filter(shows).map((hit) => `${mark} ${way}: ${hit.slice(0, 200)}`),
      ),
    );
  }

  async verified(when: string): Promise<void> {
    const { findings } = (await this.#trial.cli("verify")) as { findings: unknown[] };
    check(
      `${when}: verify finds nothing`,
      findings.map((f) => JSON.stringify(f)),
    );
  }

  async found(what: string, documents: number[]): Promise<void> {
    check(what, (await this.seen(documents)).length > 0 ? [] : ["nothing was found"]);
  }
}

const lower = (i: number) => (MARKS[i] as string).toLowerCase();
const holds = (text: string, i: number) => text.toLowerCase().includes(lower(i));
const without = (names: string[], documents: number[]) => names.filter((n) => !documents.some((i) => holds(n, i)));

async function written(trial: Trial, library: Library): Promise<void> {
  await trial.clear();
  await library.ask("prepare");
  await library.ask("write", FIRST);
}

async function thereAndBack(trial: Trial, library: Library, collects: boolean): Promise<void> {
  await written(trial, library);
  const story = new Story(trial, library);
  const before = await trial.dump(true);
  const all = await story.names();
  console.log(`     ${before.length} nodes and relationships, ${all.length} entities`);
  await story.found("the library finds the documents", CHOSEN);
  const doctor = (await trial.cli("neo4j", "doctor")) as unknown as {
    fits: { profile: string; score: number }[];
    findings: { code: string; count: number; samples: string[] }[];
  };
  const fits = doctor.fits.slice(0, 3).map((f) => `${f.profile} ${f.score}`);
  check(`doctor: ${fits.join(", ")}`, doctor.fits[0]?.profile === values.profile ? [] : ["another fits best"]);
  const dirt = doctor.findings.filter((f) => f.code !== "AMBIGUOUS_FACTS");
  check(
    "doctor: no dirt",
    dirt.map((f) => `${f.code} ${f.count} ${f.samples.slice(0, 3)}`),
  );
  await trial.cli("neo4j", "install");
  const installed = await trial.dump();
  check("install leaves the graph", differences(before, installed));
  await story.cli("deprecate", CHOSEN, "--reason", "trial");
  check("deprecated: no text is found", await story.seen(CHOSEN, { texts: true }));
  await story.verified("deprecated");
  await trial.cli("gc");
  check("collected: nothing is found", await story.seen(CHOSEN, { texts: !collects }));
  const left = collects ? without(all, CHOSEN) : all;
  check("collected: only their own entities are gone", differences(left, await story.names()));
  await story.verified("collected");
  await story.cli("restore", CHOSEN);
  check("restored: as before", differences(installed, await trial.dump()));
  await story.found("restored: the library finds them", CHOSEN);
  const ids = await story.ids(PURGED);
  await trial.cli("purge", ...ids, "--confirm", ids.join(","));
  await trial.cli("gc");
  check("purged: nothing is found", await story.seen(PURGED, { texts: !collects }));
  const words = PURGED.map((i) => (collects ? lower(i) : `word ${lower(i)}`));
  check("purged: no trace", await trial.traces([...words, ...ids, ...PURGED.map((i) => `reports/0${i}`)]));
  const stay = collects ? without(all, PURGED) : all;
  check("purged: other entities stay", differences(stay, await story.names()));
  const purged = await trial.dump();
  await trial.cli("recompute");
  check("recomputed: the writer's part as before", differences(purged, await trial.dump()));
  await story.cli("deprecate", [8]);
  await trial.cli("gc");
  await trial.cli("neo4j", "uninstall");
  check("uninstalled: the writer's graph, and nothing else", differences(purged, await trial.dump(true)));
}

async function writingOn(trial: Trial, library: Library, collects: boolean): Promise<[string[], string[]]> {
  await written(trial, library);
  const story = new Story(trial, library);
  await trial.cli("neo4j", "install");
  await story.cli("deprecate", CHOSEN);
  await trial.cli("gc");
  await library.ask("write", [NEW]);
  await trial.cli("gc");
  check("a new document: the deprecated ones are not found", await story.seen(CHOSEN, { texts: true }));
  const names = await story.names();
  const there = (i: number) => names.some((name) => holds(name, i));
  check("a new document: its entities are there, each once, and no others", [
    ...[1, NEW].filter((i) => !there(i)).map((i) => `not there: ${MARKS[i]}`),
    ...names.filter((n, i) => names.indexOf(n) !== i).map((n) => `twice: ${n}`),
    ...(collects ? [4, 7].filter(there).map((i) => `still there: ${MARKS[i]}`) : []),
  ]);
  await story.verified("a new document");
  await story.cli("restore", CHOSEN);
  const grown = await trial.shape();
  if (!values.anew) {
    await story.cli("deprecate", [1]);
    await trial.cli("gc");
    await library.ask("write", [1]);
    await trial.cli("gc");
    check("a deprecated document written again: not found", await story.seen([1], { texts: true }));
    await story.verified("a deprecated document written again");
    await story.cli("restore", [1]);
    await trial.cli("gc");
  }
  const again = await trial.shape();
  await trial.cli("neo4j", "uninstall");
  const ours = (await trial.dump(true)).filter((line) => /lc_|Graphkeeper|"Deprecated"/.test(line));
  check("uninstalled: nothing of ours", ours);
  return [grown, again];
}

/** The same without Graphkeeper. */
async function alone(trial: Trial, library: Library, [grown, again]: [string[], string[]]): Promise<void> {
  await written(trial, library);
  await library.ask("write", [NEW]);
  check("restored after a new document: as the library alone writes it", differences(await trial.shape(), grown));
  if (values.anew) return;
  await library.ask("write", [1]);
  check("restored after one was written again: as the library alone", differences(await trial.shape(), again));
}

let uri = values.uri;
let stop = async () => {};
if (uri === undefined) {
  const home = await mkdtemp(join(tmpdir(), "graphkeeper-trial-"));
  await mkdir(join(home, "plugins"));
  if (values.plugins)
    for (const jar of await readdir(values.plugins))
      await symlink(join(values.plugins, jar), join(home, "plugins", jar));
  const server = await startNeo4j({ home, settings: { "dbms.security.procedures.unrestricted": "apoc.*" } });
  uri = server.uri;
  stop = async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  };
}
const driver = neo4j.driver(uri, undefined, { disableLosslessIntegers: true });
const data = await mkdtemp(join(tmpdir(), "graphkeeper-trial-data-"));
const address = uri;
const run: Run = async (statement, parameters = {}) =>
  (await driver.executeQuery(statement, parameters)).records.map((r) => r.toObject());
try {
  const trial = new Trial(run, address, data);
  const libraries = [1, 2, 3].map(() => new Library(address)) as [Library, Library, Library];
  await thereAndBack(trial, libraries[0], !values.keeps);
  console.log("  the library writes on");
  await alone(trial, libraries[2], await writingOn(trial, libraries[1], !values.keeps));
  for (const library of libraries) library.end();
} finally {
  await driver.close();
  await rm(data, { recursive: true, force: true });
  await stop();
}
console.log(failures === 0 ? "all as it should be" : `${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
