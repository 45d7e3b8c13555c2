import { useEffect, useRef, useState } from "preact/hooks";
import { send } from "./api.ts";
import { useLoad } from "./load.ts";
import { KeyForm } from "./parts/key-form.tsx";
import { Navigation } from "./parts/navigation.tsx";
import { usePlace } from "./router.ts";
import { keptKey, useSession, welcome } from "./session.ts";
import { viewOf } from "./views/index.tsx";
import type { Who } from "./wire.ts";

export function App() {
  const session = useSession();
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const [first, setFirst] = useState(true);
  useLoad(
    async (signal) => {
      if (session.locked) return;
      welcome(await send<Who>({ path: "/whoami" }, signal));
    },
    [keptKey(), session.locked],
    // Tells again when the server was not up, or the role changed.
    60_000,
  );
  const { title, view } = viewOf(place);
  // A new view begins at its heading, as a new page would; the first one leaves the focus where the browser has it.
  const at = place.parts.join("/");
  useEffect(() => {
    document.title = `${title} · Graphkeeper`;
    if (first) setFirst(false);
    else main.current?.querySelector("h1")?.focus();
  }, [at]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        To the content
      </button>
      <Navigation place={place} />
      <main id="main" ref={main} tabIndex={-1}>
        {session.locked ? (
          <KeyForm problem={session.problem} />
        ) : (
          <>
            <h1 tabIndex={-1}>{title}</h1>
            {/* A new key may see other groups: everything is loaded anew. */}
            <div key={`${at} ${keptKey()}`}>{view}</div>
          </>
        )}
      </main>
    </>
  );
}
