import { readFileSync, writeFileSync } from "node:fs";
import { statementsTable } from "../../src/stores/neo4j/statements/table.ts";

/** Writes docs/neo4j-statements.md, or with --check tells whether it is as it should be. */
const file = new URL("../../docs/neo4j-statements.md", import.meta.url);
const text = statementsTable();
if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    console.error("docs/neo4j-statements.md is not up to date; run node bench/neo4j/statements.ts");
    process.exitCode = 1;
  }
} else writeFileSync(file, text);
