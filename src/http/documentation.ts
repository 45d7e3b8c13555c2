import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";

/** Without `upgrade-insecure-requests`: over http a browser would ask for the page's own scripts by https, and show nothing. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `/openapi.json` and, offline, `/docs`: everything the page needs comes from this process. */
export function serveDocumentation(app: FastifyInstance, version: string, routes: readonly Route[]): void {
  const document = openApiDocument(routes, version);
  const text = JSON.stringify(document);
  app.get("/openapi.json", (_request, reply) => reply.type("application/json; charset=utf-8").send(text));
  app.register(swagger, { mode: "static", specification: { document: document as never } });
  app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: DOCS_POLICY,
    // Bundled files only: the validator badge would ask a server of the makers.
    uiConfig: { validatorUrl: null as never, deepLinking: true, docExpansion: "list" },
  });
}
