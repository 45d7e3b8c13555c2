import { needProgram } from "./tools.ts";

/** promtool, which checks metric names and runs the unit tests of rules. It needs no server. */
export function findPromtool(): Promise<string> {
  return needProgram("promtool", "prometheus");
}
