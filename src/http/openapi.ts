import { z } from "zod";
import { ERRORS } from "../core/errors.ts";
import type { Route } from "./route.ts";
import { problem } from "./shapes.ts";

type JsonSchema = Record<string, unknown>;

/** The contract, OpenAPI 3.1, made of the table of routes. Two calls with the same table give the same text. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    paths[route.path] = path;
    path[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Graphkeeper",
      version,
      description:
        "Keeps a GraphRAG knowledge graph true to its documents. Errors are problem documents (RFC 9457) with a stable " +
        "`code` and a `remedy`. Times are ISO 8601.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: { ...jsonSchema(problem), properties: problemProperties() } },
      responses: {
        Problem: {
          description: "What is wrong, and what to do",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "An API key or a JWT" } },
    },
  };
}

function problemProperties(): JsonSchema {
  const { properties } = jsonSchema(problem) as { properties: JsonSchema };
  return { ...properties, code: { type: "string", enum: Object.keys(ERRORS) } };
}

function operation(route: Route): Record<string, unknown> {
  const parts = [
    route.description,
    route.role === "public" ? undefined : `Role: ${route.role}.`,
    route.idempotency && route.idempotency !== "none" ? "Takes an Idempotency-Key." : undefined,
  ];
  return {
    operationId: operationId(route),
    summary: route.summary,
    description: parts.filter((part) => part !== undefined).join("\n\n") || undefined,
    tags: [route.tag],
    security: route.role === "public" ? [] : [{ apiKey: [] }],
    parameters: parameters(route),
    requestBody: requestBody(route),
    responses: { ...answers(route), default: { $ref: "#/components/responses/Problem" } },
  };
}

/** `POST /documents/{id}/deprecate` → `postDocumentsIdDeprecate`. */
function operationId(route: Route): string {
  const words = route.path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return route.method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
}

const GROUP_ID = { type: "string", pattern: "^[A-Za-z0-9_][A-Za-z0-9._:@+=-]{0,199}$" };

function parameters(route: Route): unknown[] {
  const list: unknown[] = [];
  for (const [where, schema] of [
    ["path", route.params],
    ["query", route.query],
  ] as const) {
    if (schema === undefined) continue;
    const { properties = {}, required = [] } = jsonSchema(schema) as { properties?: JsonSchema; required?: string[] };
    for (const [name, property] of Object.entries(properties)) {
      const isGroup = where === "path" && name === "id" && route.group.startsWith("path");
      const schema = isGroup ? GROUP_ID : property;
      list.push({ name, in: where, required: where === "path" || required.includes(name), schema });
    }
  }
  if (route.group === "header" || route.group === "optional") {
    list.push({
      name: "X-Group-ID",
      in: "header",
      required: route.group === "header",
      schema: GROUP_ID,
    });
  }
  if (route.idempotency !== undefined && route.idempotency !== "none") {
    const schema = { type: "string", minLength: 1, maxLength: 200, pattern: "^[\\x21-\\x7e]+$" };
    list.push({ name: "Idempotency-Key", in: "header", required: false, schema });
  }
  return list;
}

function requestBody(route: Route): unknown {
  if (route.method === "GET" || (route.body === undefined && route.ndjson === undefined)) return undefined;
  const content: JsonSchema = {};
  if (route.body !== undefined) content["application/json"] = { schema: jsonSchema(route.body) };
  if (route.ndjson !== undefined) {
    content["application/x-ndjson"] = {
      schema: { type: "string", description: "The native format, one object a line." },
    };
  }
  const { required = [] } = route.body === undefined ? {} : (jsonSchema(route.body) as { required?: string[] });
  return { required: route.ndjson === "only" || required.length > 0, content };
}

function answers(route: Route): Record<string, unknown> {
  const entries = Object.entries(route.answers).map(([status, answer]) => {
    if (answer.type !== undefined) {
      return [status, { description: answer.description, content: { [answer.type]: { schema: { type: "string" } } } }];
    }
    if (answer.schema === undefined) return [status, { description: answer.description }];
    const schema = jsonSchema(answer.schema);
    return [status, { description: answer.description, content: { "application/json": { schema } } }];
  });
  return Object.fromEntries(entries);
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema: made }) => {
      const { openapi, description } = made as { openapi?: JsonSchema; description?: string };
      if (openapi === undefined) return;
      for (const name of Object.keys(made)) delete (made as JsonSchema)[name];
      Object.assign(made, openapi, description === undefined ? {} : { description });
    },
  }) as JsonSchema;
  return json;
}
