import { auditRoutes } from "./audit.ts";
import { communityRoutes } from "./communities.ts";
import { documentRoutes } from "./documents.ts";
import { groupRoutes } from "./groups.ts";
import { keyRoutes } from "./keys.ts";
import { maintenanceRoutes } from "./maintenance.ts";
import { neighbourhoodRoutes } from "./neighbourhood.ts";
import { opsRoutes } from "./ops.ts";
import { pauseRoutes } from "./pauses.ts";
import type { Route } from "./route.ts";
import { runbookRoutes } from "./runbooks.ts";
import { runRoutes } from "./runs.ts";
import { scheduleRoutes } from "./schedules.ts";
import { searchRoutes } from "./search.ts";
import { whoamiRoutes } from "./whoami.ts";

/** Every route of the service, with its role; `openapi.json` is made of this table. */
export const ROUTES: readonly Route[] = [
  ...maintenanceRoutes,
  ...runRoutes,
  ...scheduleRoutes,
  ...pauseRoutes,
  ...documentRoutes,
  ...groupRoutes,
  ...searchRoutes,
  ...neighbourhoodRoutes,
  ...communityRoutes,
  ...auditRoutes,
  ...keyRoutes,
  ...whoamiRoutes,
  ...opsRoutes,
  ...runbookRoutes,
];
