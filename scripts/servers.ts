/**
 * Makes sure, before the tests, that the servers they start are there: looks for each, installs what is missing through apt
 * where it may, and says plainly what it could not get. The tests themselves look again and say what they need.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

const WANTED: { what: string; for: string; packages: string[]; isThere: () => boolean }[] = [
  {
    what: "a Java runtime",
    for: "Neo4j",
    packages: ["openjdk-17-jre-headless"],
    isThere: () => onPath("java") || globSync("/usr/lib/jvm/*/bin/java").length > 0,
  },
  { what: "Maven", for: "Neo4j", packages: ["maven"], isThere: () => onPath("mvn") },
  {
    what: "PostgreSQL",
    for: "jobs on PostgreSQL",
    packages: ["postgresql"],
    isThere: () => globSync("/usr/lib/postgresql/*/bin/initdb").length > 0 || onPath("initdb"),
  },
  { what: "Redis", for: "Celery", packages: ["redis-server"], isThere: () => onPath("redis-server") },
  { what: "Chromium", for: "the page", packages: ["chromium"], isThere: () => onPath("chromium") },
  { what: "promtool", for: "alert rules", packages: ["prometheus"], isThere: () => onPath("promtool") },
  {
    what: "Python with venv",
    for: "the Python clients",
    packages: ["python3", "python3-venv"],
    isThere: () => spawnSync("python3", ["-c", "import venv, ensurepip"]).status === 0,
  },
  { what: "curl", for: "the specification's commands", packages: ["curl"], isThere: () => onPath("curl") },
  {
    what: "openssl",
    for: "the specification's commands over TLS",
    packages: ["openssl"],
    isThere: () => onPath("openssl"),
  },
];

const missing = WANTED.filter(({ isThere }) => !isThere());
if (missing.length > 0 && process.getuid?.() === 0 && onPath("apt-get")) {
  const packages = missing.flatMap((wanted) => wanted.packages);
  process.stdout.write(`installing ${packages.join(", ")}\n`);
  // Debian starts a server with its package; RUNLEVEL=1 keeps it from doing so: the tests start their own, on free ports.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["update", "-qq"], { env, stdio: ["ignore", "ignore", "inherit"] });
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  spawnSync("apt-get", install, { env, stdio: ["ignore", "ignore", "inherit"] });
}
for (const wanted of WANTED) {
  const state = wanted.isThere() ? "is there" : `is MISSING: install ${wanted.packages.join(", ")}`;
  process.stdout.write(`${wanted.what} (for ${wanted.for}) ${state}\n`);
}

function onPath(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}
