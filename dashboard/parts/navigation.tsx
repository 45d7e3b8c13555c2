import { useState } from "preact/hooks";
import { API } from "../api.ts";
import { type Place, to } from "../router.ts";
import { forgetKey, keptKey, useSession } from "../session.ts";
import { applyTheme, THEMES, type Theme, theme } from "../theme.ts";

export function Navigation({ place }: { place: Place }) {
  const { who } = useSession();
  const [chosen, setChosen] = useState(theme());
  const [room = "", group, view = ""] = place.parts;
  const inGroup = room === "groups" && group !== undefined ? group : null;
  const link = (parts: string[], name: string, current: boolean) => (
    <li>
      <a href={to(parts)} aria-current={current ? "page" : undefined}>
        {name}
      </a>
    </li>
  );
  return (
    <header>
      <p class="brand">
        <img src="./icon.svg" alt="" width="24" height="24" /> Graphkeeper
      </p>
      <nav aria-label="Views">
        <ul>
          {link([], "Overview", room === "")}
          {link(["groups"], "Groups", room === "groups" && inGroup === null)}
          {link(["runs"], "Runs", room === "runs")}
          {link(["schedules"], "Schedules", room === "schedules")}
        </ul>
        {inGroup !== null && (
          <>
            <p class="in-group" id="in-group">
              {inGroup}
            </p>
            <ul aria-labelledby="in-group">
              {link(["groups", inGroup], "State", view === "")}
              {link(["groups", inGroup, "documents"], "Documents", view === "documents")}
              {link(["groups", inGroup, "graph"], "Graph", view === "graph")}
              {link(["groups", inGroup, "audit"], "Audit", view === "audit")}
            </ul>
          </>
        )}
      </nav>
      <div class="session">
        {who !== null && (
          <p>
            {who.open ? "No key needed here" : who.actor}
            <br />
            <span class="quiet">role {who.role}</span>
          </p>
        )}
        {keptKey() !== "" && (
          <button type="button" class="small" onClick={() => forgetKey(null)}>
            Forget the key
          </button>
        )}
        <label>
          Colours
          <select
            value={chosen}
            onChange={(event) => {
              const next = event.currentTarget.value as Theme;
              setChosen(next);
              applyTheme(next);
            }}
          >
            {THEMES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <p>
          <a href={new URL("docs/", API).href}>API reference</a>
        </p>
      </div>
    </header>
  );
}
