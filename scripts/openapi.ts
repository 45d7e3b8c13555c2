// Writes openapi.json out of the table of routes; with --check says whether it is up to date and changes nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { monitoringRoutes } from "../src/http/monitoring.ts";
import { openApiDocument } from "../src/http/openapi.ts";
import { ROUTES } from "../src/http/routes.ts";

const file = new URL("../openapi.json", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
// Only the descriptions of these are read here.
const monitoring = monitoringRoutes({ metricsText: async () => "", alerts: async () => ({}) });
const text = `${JSON.stringify(openApiDocument([...ROUTES, ...monitoring], version), null, 2)}\n`;

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
  console.log(`openapi.json: ${Object.keys((JSON.parse(text) as { paths: object }).paths).length} paths`);
} else if (read() !== text) {
  console.error("openapi.json is not what the routes say; run node scripts/openapi.ts");
  process.exitCode = 1;
}

function read(): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
