import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/**
 * Which room may import which. A room is a folder of `src`; files at its top are rooms of their own. Packages and Node's
 * modules that a room may use are listed with it; `node:` modules without side effects are free for all but the algorithms.
 */
export const ROOMS: Record<string, { rooms: string[]; packages: string[] }> = {
  core: { rooms: [], packages: [] },
  algorithms: { rooms: [], packages: [] },
  documents: { rooms: ["core"], packages: [] },
  formats: { rooms: ["core", "documents"], packages: ["zod", "hyparquet", "hyparquet-compressors"] },
  maintenance: { rooms: ["core", "algorithms", "documents"], packages: [] },
  jobs: { rooms: ["core"], packages: ["croner", "windows-iana"] },
  monitoring: { rooms: ["core", "jobs", "maintenance", "service.ts"], packages: ["@opentelemetry/api"] },
  profiles: { rooms: ["core"], packages: ["zod"] },
  "stores/memory": { rooms: ["core"], packages: [] },
  "stores/sqlite": { rooms: ["core", "jobs", "stores/sql-jobs"], packages: [] },
  "stores/sql-jobs": { rooms: ["core", "jobs"], packages: [] },
  "stores/postgres": { rooms: ["core", "jobs", "stores/sql-jobs"], packages: ["pg", "pg-boss"] },
  "stores/neo4j": { rooms: ["core", "profiles"], packages: ["neo4j-driver"] },
  conformance: { rooms: ["core", "jobs", "documents", "maintenance"], packages: [] },
  config: { rooms: ["core"], packages: ["zod"] },
  client: { rooms: ["core"], packages: ["@opentelemetry/api"] },
  http: {
    rooms: ["core", "jobs", "documents", "formats", "maintenance", "service.ts"],
    packages: ["fastify", "@fastify/swagger", "@fastify/swagger-ui", "zod", "jose", "pino"],
  },
  // The command line works on the file itself, so that it knows the composition; the lock file tells it who else does.
  cli: {
    rooms: [
      "core",
      "config",
      "client",
      "compose.ts",
      "documents",
      "formats",
      "http",
      "jobs",
      "maintenance",
      "profiles",
      "service.ts",
      "start.ts",
      "stores/sqlite",
      "stores/neo4j",
      "version.ts",
    ],
    packages: ["commander"],
  },
  "service.ts": { rooms: ["core", "documents", "jobs", "maintenance"], packages: [] },
  "compose.ts": {
    rooms: [
      "config",
      "core",
      "jobs",
      "maintenance",
      "monitoring",
      "profiles",
      "service.ts",
      "stores/neo4j",
      "stores/postgres",
      "stores/sqlite",
    ],
    packages: [],
  },
  "start.ts": {
    rooms: ["compose.ts", "config", "core", "http", "jobs", "monitoring", "service.ts", "stores/sqlite", "version.ts"],
    packages: ["fastify", "pino"],
  },
  "version.ts": { rooms: [], packages: [] },
  "index.ts": {
    rooms: [
      "compose.ts",
      "config",
      "core",
      "formats",
      "maintenance",
      "service.ts",
      "start.ts",
      "stores/sqlite",
      "version.ts",
    ],
    packages: [],
  },
  public: { rooms: ["profiles", "stores/neo4j", "stores/postgres"], packages: [] },
};

export interface SourceFile {
  /** Relative to `src`. */
  path: string;
  text: string;
}

export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** What breaks the table: imports of rooms or packages that are not allowed, and rooms that are not in it. */
export function violations(files: SourceFile[]): string[] {
  const found: string[] = [];
  for (const { path, text } of files) {
    const room = roomOf(path);
    const allowed = ROOMS[room];
    if (!allowed) {
      found.push(`${path}: the room ${room} is not in the table`);
      continue;
    }
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith("node:")) {
        if (room === "core" && specifier !== "node:crypto") found.push(`${path} imports ${specifier}`);
        continue;
      }
      if (!specifier.startsWith(".")) {
        const name = specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/");
        if (!allowed.packages.includes(name)) found.push(`${path} imports the package ${name}`);
        continue;
      }
      const target = roomOf(normalize(join(dirname(path), specifier)));
      if (target !== room && !allowed.rooms.includes(target)) found.push(`${path} imports the room ${target}`);
    }
  }
  return found;
}

/** Files that import themselves by way of others, each circle once, as `a.ts > b.ts > a.ts`. Imports of types count. */
export function circles(files: SourceFile[]): string[] {
  const known = new Set(files.map((f) => f.path));
  const imports = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => normalize(join(dirname(path), specifier)))
        .filter((target) => known.has(target)),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) {
      found.push([...way.slice(start), path].join(" > "));
      return;
    }
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

function roomOf(path: string): string {
  const parts = relative(".", path).split("/");
  if (parts.length === 1) return parts[0]!;
  return parts[0] === "stores" ? `stores/${parts[1]}` : parts[0]!;
}

function importsOf(text: string): string[] {
  const patterns = [/\bfrom\s+"([^"]+)"/g, /\bimport\s+"([^"]+)"/g, /\bimport\(\s*"([^"]+)"\s*\)/g];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
}
