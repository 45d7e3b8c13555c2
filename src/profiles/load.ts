import { readFileSync } from "node:fs";
import { GraphkeeperError } from "../core/errors.ts";
import { checkProfile, type Profile } from "./format.ts";
import { profileNamed } from "./index.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * The profile that configuration and command line name: a ready one, or one's own in a JSON file (`./my-profile.json`). A
 * file is a whole profile, or `{"extends": "neo4j-graphrag", …}` with what differs from a ready one, put together as a JSON
 * Merge Patch (RFC 7396): objects are merged, all else replaces, `null` takes away.
 *
 * @param tenant for ready profiles whose labels carry it
 * @throws GraphkeeperError `INVALID_CONFIG` that names the file and what is wrong with it
 */
export function loadProfile(named: string, tenant: string): Profile {
  if (!named.endsWith(".json")) return checkProfile(profileNamed(named, tenant));
  const own = readObject(named);
  const { extends: base, ...differences } = own;
  if (base === undefined) return checked(named, own);
  if (typeof base !== "string") throw refused(named, '"extends" is the name of a ready profile');
  return checked(named, patched(profileNamed(base, tenant) as unknown as Json, differences));
}

function checked(file: string, profile: Json): Profile {
  try {
    return checkProfile(profile);
  } catch (error) {
    throw refused(file, (error as Error).message);
  }
}

function readObject(file: string): { [name: string]: Json } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw refused(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw refused(file, `it is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw refused(file, "a profile is a JSON object");
  return value;
}

function refused(file: string, why: string): GraphkeeperError {
  return new GraphkeeperError("INVALID_CONFIG", `The profile ${file}: ${why}.`, { field: "neo4j.profile" });
}

function patched(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  // Without a prototype: a member called __proto__ is a member like any other.
  const result: { [name: string]: Json } = Object.assign(Object.create(null), isObject(target) ? target : {});
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name] ?? null, value);
  }
  return result;
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
