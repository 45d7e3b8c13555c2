import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./problem.ts";

export interface Loaded<T> {
  /** Stays while it is loaded again. */
  data: T | null;
  problem: Problem | null;
  reload: () => void;
}

/**
 * Loads at once, when `keys` change, and every `everyMs` while the tab is looked at. An answer that comes after a newer
 * request is dropped.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[], everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; problem: Problem | null }>({ data: null, problem: null });
  const current = useRef<AbortController | null>(null);
  const latest = useRef(load);
  latest.current = load;

  const run = useCallback(() => {
    current.current?.abort();
    const controller = new AbortController();
    current.current = controller;
    latest.current(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setState({ data, problem: null });
      },
      (error: unknown) => {
        if (!controller.signal.aborted) setState(({ data }) => ({ data, problem: asProblem(error) }));
      },
    );
  }, []);

  useEffect(() => {
    setState({ data: null, problem: null });
    run();
    const timer = everyMs === undefined ? undefined : setInterval(() => !document.hidden && run(), everyMs);
    return () => {
      clearInterval(timer);
      current.current?.abort();
    };
  }, keys);
  return { ...state, reload: run };
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(
    { title: "The page failed", detail: String(error), code: "PAGE", remedy: "Load the page again." },
    0,
  );
}
