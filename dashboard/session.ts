import { useEffect, useState } from "preact/hooks";
import type { Problem } from "./problem.ts";
import type { Role, Who } from "./wire.ts";

/** Who uses the page. The key lives in this tab only (sessionStorage) and is sent to this origin only. */
export interface Session {
  who: Who | null;
  /** The API asked for a key, or refused the one it was given. */
  locked: boolean;
  problem: Problem | null;
}

const KEY = "graphkeeper-key";
const ROLES: readonly Role[] = ["reader", "operator", "editor", "eraser", "admin"];
const listeners = new Set<() => void>();
let session: Session = { who: null, locked: false, problem: null };

function change(to: Session): void {
  session = to;
  for (const listener of listeners) listener();
}

export function keptKey(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

export function takeKey(key: string): void {
  sessionStorage.setItem(KEY, key);
  change({ who: null, locked: false, problem: null });
}

/** @param refused the key that was sent: an answer to an older one must not throw away a newer one */
export function forgetKey(problem: Problem | null, refused = keptKey()): void {
  if (refused !== keptKey()) return;
  sessionStorage.removeItem(KEY);
  // Without a key there is nothing to complain of yet.
  change({ who: null, locked: true, problem: refused === "" ? null : problem });
}

export function welcome(who: Who): void {
  change({ who, locked: false, problem: null });
}

export function useSession(): Session {
  const [, redraw] = useState({});
  useEffect(() => {
    const listener = () => redraw({});
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return session;
}

/** Why the role is not enough; null when it is. */
export function refusal(who: Who | null, needed: Role): string | null {
  if (who === null) return "The page does not know the key's role yet.";
  if (ROLES.indexOf(who.role) >= ROLES.indexOf(needed)) return null;
  return `Needs the role ${needed}; this key has the role ${who.role}.`;
}
