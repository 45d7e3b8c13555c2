/** Writes the reference pages that follow from the code: errors and configuration. `--check` only compares. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { CONFIG_SCHEMA } from "../src/config/config.ts";
import { ENVIRONMENT } from "../src/config/environment.ts";
import { ERRORS } from "../src/core/errors.ts";

const check = process.argv.includes("--check");
const pages: Record<string, string> = { "docs/errors.md": errorsPage(), "docs/configuration.md": configurationPage() };
for (const [path, text] of Object.entries(pages)) {
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    process.stderr.write(`${path} is not what the code says; run npm run generate\n`);
    process.exitCode = 1;
  }
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, e]) => `| \`${code}\` | ${e.status} | ${e.title} | ${e.remedy} |`);
  return `# Errors

Made from the catalogue in \`src/core/errors.ts\` by \`npm run generate\`.

Every error of the library, the HTTP API and the command line has one of these codes. Over HTTP it is a problem document
(RFC 9457): \`type\`, \`title\`, \`status\`, \`detail\`, \`instance\`, \`code\`, \`remedy\`, and members that name the place, such as
\`field\`, \`line\` or \`index\`.

| code | HTTP | meaning | remedy |
|---|---|---|---|
${rows.join("\n")}
`;
}

interface Property {
  type?: string;
  properties?: Record<string, Property>;
  default?: unknown;
  enum?: unknown[];
  items?: Property;
  anyOf?: Property[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
}

function configurationPage(): string {
  const schema = z.toJSONSchema(CONFIG_SCHEMA, { io: "input" }) as Property;
  const variables = new Map(Object.entries(ENVIRONMENT).map(([variable, key]) => [key, variable]));
  const rows: string[] = [];
  const visit = (property: Property, path: string[]) => {
    for (const [name, child] of Object.entries(property.properties ?? {})) {
      const at = [...path, name];
      if (child.properties) visit(child, at);
      else {
        const key = at.join(".");
        const variable = variables.get(key);
        rows.push(
          `| \`${key}\` | ${variable ? `\`${variable}\`` : ""} | ${typeOf(child)} | ${child.default === undefined ? "" : `\`${JSON.stringify(child.default)}\``} |`,
        );
      }
    }
  };
  visit(schema, []);
  return `# Configuration

Made from the schema in \`src/config/config.ts\` by \`npm run generate\`; what each key means stands there.

Sources, later ones win: defaults, a JSON file (\`--config\`, \`GRAPHKEEPER_CONFIG\`), the environment, the command line. A wrong
or unknown key, or an unknown variable that begins with \`GRAPHKEEPER_\`, stops the start and names the nearest right one.

| key | variable | value | default |
|---|---|---|---|
${rows.join("\n")}
`;
}

function typeOf(property: Property): string {
  if (property.enum) return property.enum.map((value) => `\`${value}\``).join(", ");
  if (property.items) return `list of ${typeOf(property.items)}`;
  if (property.anyOf) return property.anyOf.map(typeOf).join(" or ");
  if (property.const !== undefined) return `\`${property.const}\``;
  const range =
    property.minimum !== undefined && property.maximum !== undefined && property.maximum < 1e9
      ? ` ${property.minimum}–${property.maximum}`
      : "";
  return `${property.type ?? "text"}${range}`;
}
