import { OPEN } from "./auth.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";

const whoami = route({
  method: "GET",
  path: "/whoami",
  role: "reader",
  group: "none",
  tag: "operations",
  summary: "Who the key is: its role and its groups",
  answers: { 200: { description: "The caller", schema: shapes.who } },
  handle: async ({ principal, version }) => ({
    // Without any key configured everybody who reaches the service is this one.
    body: { ...principal, open: principal.actor === OPEN, version },
  }),
});

export const whoamiRoutes = [whoami];
