import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SPECIFICATION = `${process.env.GRAPHKEEPER_SPEC ?? `${ROOT}../shared/spec`}/maintenance-job-scheduler-setup.md`;

/** The clients that the specification publishes: what users copy out of it. */
export interface Snippets {
  /** The Azure Functions timer, Python. */
  timer: string;
  /** The Kubernetes CronJob, YAML. */
  cronJob: string;
  /** The manual calls, shell. */
  manual: string;
}

/** Named as text, so that no formatter brings them into its own form. */
const FILES = { timer: "maintenance_timer.py.txt", cronJob: "cronjob.yaml.txt", manual: "manual.sh.txt" } as const;

/** Copies of the snippets, for where the specification is not at hand. */
export function storedSnippets(): Snippets {
  const read = (name: string) => readFileSync(new URL(`./snippets/${name}`, import.meta.url), "utf8");
  return { timer: read(FILES.timer), cronJob: read(FILES.cronJob), manual: read(FILES.manual) };
}

/** The snippets as the specification has them; null when it is not at hand. */
export function publishedSnippets(): Snippets | null {
  if (!existsSync(SPECIFICATION)) return null;
  const text = readFileSync(SPECIFICATION, "utf8");
  return {
    timer: fence(text, "### 2. Maintenance Function Code", "python"),
    cronJob: fence(text, "## Kubernetes CronJob Alternative", "yaml"),
    manual: fence(text, "## Manual Trigger via API", "bash"),
  };
}

/** The first fenced block of a language below a heading. */
function fence(text: string, heading: string, language: string): string {
  const at = text.indexOf(`${heading}\n`);
  const begin = text.indexOf(`\`\`\`${language}\n`, at);
  const end = text.indexOf("\n```", begin);
  if (at < 0 || begin < 0 || end < 0) throw new Error(`The specification has no ${language} below ${heading}.`);
  return text.slice(begin + language.length + 4, end + 1);
}

/** The shell script of the CronJob's container: the literal block of its command. */
export function commandOf(cronJob: string): string {
  const lines = cronJob.split("\n");
  const at = lines.findIndex((line) => /^\s*- \|$/.test(line));
  const indent = lines[at + 1]!.search(/\S/);
  const end = lines.findIndex((line, i) => i > at && line.trim() !== "" && line.search(/\S/) < indent);
  return lines
    .slice(at + 1, end < 0 ? undefined : end)
    .map((line) => line.slice(indent))
    .join("\n");
}

if (process.argv.includes("--write")) {
  // node test/spec-clients/specification.ts --write: takes the copies anew.
  const { writeFileSync } = await import("node:fs");
  const published = publishedSnippets();
  if (published === null) throw new Error(`There is no ${SPECIFICATION}.`);
  for (const [name, file] of Object.entries(FILES)) {
    writeFileSync(new URL(`./snippets/${file}`, import.meta.url), published[name as keyof Snippets]);
  }
}
