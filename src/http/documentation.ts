import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";

/** `/openapi.json` and, offline, `/docs`: everything the page needs comes from this process. */
export function serveDocumentation(app: FastifyInstance, version: string, routes: readonly Route[]): void {
  const document = openApiDocument(routes, version);
  const text = JSON.stringify(document);
  app.get("/openapi.json", (_request, reply) => reply.type("application/json; charset=utf-8").send(text));
  app.register(swagger, { mode: "static", specification: { document: document as never } });
  app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: true,
    // Bundled files only: the validator badge would ask a server of the makers.
    uiConfig: { validatorUrl: null as never, deepLinking: true, docExpansion: "list" },
  });
}
