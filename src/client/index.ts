export { GraphkeeperError } from "../core/errors.ts";
export { type Call, type ClientOptions, GraphkeeperClient } from "./client.ts";
