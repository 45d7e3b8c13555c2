import { useState } from "preact/hooks";
import type { Problem } from "../problem.ts";
import { takeKey } from "../session.ts";
import { ProblemBox } from "./basics.tsx";

export function KeyForm({ problem }: { problem: Problem | null }) {
  const [key, setKey] = useState("");
  return (
    <form
      class="panel key"
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() !== "") takeKey(key.trim());
      }}
    >
      <h1 tabIndex={-1}>API key</h1>
      <p>
        This service asks for an API key. It stays in this tab, is sent to this address only, and is gone when the tab
        is closed. An administrator makes one with <code>graphkeeper keys create</code>.
      </p>
      {problem !== null && <ProblemBox problem={problem} />}
      <label>
        API key
        <input
          type="password"
          autocomplete="off"
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="main">
        Use this key
      </button>
    </form>
  );
}
