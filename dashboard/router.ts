import { useEffect, useState } from "preact/hooks";

/** Where the page is: after the `#`, so that the server needs to know one address only. */
export interface Place {
  /** Decoded. */
  parts: string[];
  query: URLSearchParams;
}

function place(): Place {
  const [path = "", query = ""] = location.hash.slice(1).split("?", 2);
  const parts = path.split("/").filter((part) => part !== "");
  return { parts: parts.map(decoded), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function usePlace(): Place {
  const [at, setAt] = useState(place);
  useEffect(() => {
    const listener = () => setAt(place());
    addEventListener("hashchange", listener);
    return () => removeEventListener("hashchange", listener);
  }, []);
  return at;
}

/** Link to a place: parts are encoded, query members that are undefined or empty are left out. */
export function to(parts: string[], query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const text = new URLSearchParams(given).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export function go(parts: string[], query?: Record<string, string | undefined>): void {
  location.hash = to(parts, query);
}
